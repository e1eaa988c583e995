import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CatalogueReads } from "../../jetstream/catalogue_reads.ts";
import type { StreamInfo } from "../../jetstream/streams.ts";

const SUBJECT = "topics.orders";
const message = (seq: number) => ({ subject: SUBJECT, seq });
const ending = (last_seq: number): StreamInfo => ({
  config: {},
  state: { messages: 1, bytes: 1, first_seq: 1, last_seq },
});

/** Reads where the servers answer like this, in turn, and the last time again and again. */
function readsOf(
  { messages = [], infos = [], timeoutMs = 60_000 }: {
    messages?: readonly (ReturnType<typeof message> | "no stream" | undefined)[];
    infos?: readonly (StreamInfo | undefined)[];
    timeoutMs?: number;
  },
) {
  const asked = { messages: 0, infos: 0 };
  const answer = <T>(answers: readonly T[], count: number) =>
    Promise.resolve(answers[Math.min(count, answers.length - 1)]!);
  const streams = {
    message: () => answer(messages, asked.messages++),
    info: () => answer(infos, asked.infos++),
  };
  return { asked, reads: new CatalogueReads({ streams, stream: "S", timeoutMs }) };
}

describe("the catalogue, as a server tells it that has not got all yet", () => {
  test("is looked at again until it has what was stored", async () => {
    const { asked, reads } = readsOf({ infos: [ending(4), ending(4), ending(5)] });
    reads.note(SUBJECT, 5);
    assert.equal((await reads.info())!.state.last_seq, 5);
    assert.equal(asked.infos, 3);
  });

  test("is looked at again until it has what was read", async () => {
    const { asked, reads } = readsOf({ messages: [message(5)], infos: [ending(4), ending(6)] });
    assert.equal((await reads.last(SUBJECT))!.seq, 5);
    assert.equal((await reads.info())!.state.last_seq, 6);
    assert.equal(asked.infos, 2);
  });

  for (const older of [undefined, message(3)]) {
    const what = older === undefined ? "nothing" : "an older entry";
    test(`does not put ${what} in the place of a known one`, async () => {
      const { asked, reads } = readsOf({
        messages: [older, message(5)],
        infos: [ending(4), ending(5)],
      });
      reads.note(SUBJECT, 5);
      assert.equal((await reads.last(SUBJECT))!.seq, 5);
      assert.deepEqual(asked, { messages: 2, infos: 2 });
    });
  }
});

describe("the catalogue, as it is", () => {
  test("is read by one question where nothing was known", async () => {
    const { asked, reads } = readsOf({ messages: [undefined] });
    assert.equal(await reads.last(SUBJECT), undefined);
    assert.deepEqual(asked, { messages: 1, infos: 0 });
  });

  test("may have an entry no more that was there", async () => {
    const { asked, reads } = readsOf({ messages: [undefined], infos: [ending(6)] });
    reads.note(SUBJECT, 5);
    assert.equal(await reads.last(SUBJECT), undefined);
    assert.deepEqual(asked, { messages: 2, infos: 1 });
    assert.equal(await reads.last(SUBJECT), undefined);
    assert.deepEqual(asked, { messages: 3, infos: 1 });
  });

  test("may be gone", async () => {
    const { asked, reads } = readsOf({
      messages: ["no stream", undefined],
      infos: [undefined, ending(1)],
    });
    reads.note(SUBJECT, 5);
    assert.equal(await reads.last(SUBJECT), undefined);
    reads.note(SUBJECT, 5);
    assert.equal(await reads.info(), undefined);
    assert.equal((await reads.info())!.state.last_seq, 1);
    assert.deepEqual(asked, { messages: 1, infos: 2 });
  });

  test("is believed to be set back when it is told so for long", async () => {
    const { asked, reads } = readsOf({
      messages: [message(2)],
      infos: [ending(4)],
      timeoutMs: 100,
    });
    reads.note(SUBJECT, 5);
    assert.equal((await reads.info())!.state.last_seq, 4);
    assert.ok(asked.infos > 1);
    assert.equal((await reads.last(SUBJECT))!.seq, 2);
    assert.equal(asked.messages, 1);
  });
});
