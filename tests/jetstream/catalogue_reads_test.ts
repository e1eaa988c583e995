import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { CatalogueReads } from "../../jetstream/catalogue_reads.ts";
import type { StreamInfo } from "../../jetstream/streams.ts";

const SUBJECT = "topics.orders";

type Found = { readonly subject: string; readonly seq: number } | "no stream" | undefined;
type Told = StreamInfo | undefined;

const message = (seq: number): Found => ({ subject: SUBJECT, seq });

/** The stream when it ends there, with these subjects. */
function ending(last_seq: number, ...subjects: string[]): StreamInfo {
  const counts = Object.fromEntries(subjects.map((subject) => [subject, 1]));
  const state = { messages: 1, bytes: 1, first_seq: 1, last_seq, subjects: counts };
  return { created: "once", config: {}, state };
}

/** Reads where the servers answer like this, in turn, and the last time again and again. */
function readsOf(
  { messages = [], infos = [], believedAfterMs = 60_000 }: {
    messages?: readonly Found[];
    infos?: readonly (Told | (() => Promise<Told>))[];
    believedAfterMs?: number;
  },
) {
  const asked = { messages: 0, infos: 0 };
  const nth = <T>(answers: readonly T[], count: number) =>
    answers[Math.min(count, answers.length - 1)]!;
  const streams = {
    message: () => Promise.resolve(nth(messages, asked.messages++)),
    info: () => {
      const told = nth(infos, asked.infos++);
      return typeof told === "function" ? told() : Promise.resolve(told);
    },
  };
  return { asked, reads: new CatalogueReads({ streams, stream: "S", believedAfterMs }) };
}

describe("the catalogue, as a server tells it that has not got all yet", () => {
  test("is looked at again until it has what was stored", async () => {
    const { asked, reads } = readsOf({ infos: [ending(4), ending(4), ending(5, SUBJECT)] });
    reads.note(SUBJECT, 5);
    assert.deepEqual(await reads.subjects("topics.*"), [SUBJECT]);
    assert.equal(asked.infos, 3);
  });

  test("is looked at again until it has what was read", async () => {
    const { asked, reads } = readsOf({ messages: [message(5)], infos: [ending(4), ending(6)] });
    assert.deepEqual(await reads.last(SUBJECT), message(5));
    assert.equal((await reads.info())!.state.last_seq, 6);
    assert.equal(asked.infos, 2);
  });

  test("does not put nothing in the place of a known entry", async () => {
    const { asked, reads } = readsOf({
      messages: [undefined, message(5)],
      infos: [ending(4), ending(5, SUBJECT)],
    });
    reads.note(SUBJECT, 5);
    assert.deepEqual(await reads.last(SUBJECT), message(5));
    assert.deepEqual(asked, { messages: 2, infos: 2 });
  });

  test("does not take back an entry that was listed", async () => {
    const { reads } = readsOf({
      messages: [undefined, message(3)],
      infos: [ending(4, SUBJECT)],
    });
    assert.deepEqual(await reads.subjects("topics.*"), [SUBJECT]);
    assert.deepEqual(await reads.last(SUBJECT), message(3));
  });

  test("is doubted from its first answer on, however long that took", async () => {
    const { reads } = readsOf({
      infos: [async () => {
        await delay(150);
        return ending(4);
      }, ending(5)],
      believedAfterMs: 100,
    });
    reads.note(SUBJECT, 5);
    assert.equal((await reads.info())!.state.last_seq, 5);
  });

  test("does not put an older entry in the place of a known one, however often", async () => {
    const { asked, reads } = readsOf({
      messages: [message(3), message(3), message(5)],
      infos: [ending(6)],
    });
    reads.note(SUBJECT, 5);
    assert.deepEqual(await reads.last(SUBJECT), message(5));
    assert.equal(asked.messages, 3);
  });
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
    assert.deepEqual(asked, { messages: 1, infos: 1 });
    assert.equal(await reads.last(SUBJECT), undefined);
    assert.deepEqual(asked, { messages: 2, infos: 1 });
  });

  test("is not waited for where entries are not listed any more", async () => {
    const { asked, reads } = readsOf({ messages: [undefined], infos: [ending(6)] });
    reads.note(SUBJECT, 5);
    assert.deepEqual(await reads.subjects("topics.*"), []);
    assert.equal(await reads.last(SUBJECT), undefined);
    assert.deepEqual(asked, { messages: 1, infos: 1 });
  });

  test("is not behind what became known after it was asked", async () => {
    const { asked, reads } = readsOf({
      infos: [async () => {
        await delay(1);
        reads.note(SUBJECT, 9);
        return ending(8);
      }],
    });
    reads.note(SUBJECT, 8);
    assert.equal((await reads.info())!.state.last_seq, 8);
    assert.equal(asked.infos, 1);
  });

  test("may be another one, which an older entry is taken as a reason to ask for", async () => {
    const again = { ...ending(1, SUBJECT), created: "again" };
    const { asked, reads } = readsOf({ messages: [message(1)], infos: [ending(5), again] });
    reads.note(SUBJECT, 5);
    await reads.info();
    assert.deepEqual(await reads.last(SUBJECT), message(1));
    assert.deepEqual(asked, { messages: 2, infos: 2 });
  });

  test("may be gone, or another one, which is believed at once", async () => {
    const { asked, reads } = readsOf({
      messages: ["no stream", message(1)],
      infos: [undefined, ending(5), { ...ending(1), created: "again" }],
    });
    reads.note(SUBJECT, 5);
    assert.equal(await reads.last(SUBJECT), undefined);
    reads.note(SUBJECT, 5);
    assert.equal(await reads.info(), undefined);
    assert.equal((await reads.info())!.state.last_seq, 5);
    reads.note(SUBJECT, 5);
    assert.equal((await reads.info())!.state.last_seq, 1);
    assert.deepEqual(await reads.last(SUBJECT), message(1));
    assert.deepEqual(asked, { messages: 2, infos: 3 });
  });

  test("is believed to be set back when that is told for long, without a break", async () => {
    const lower = ending(4);
    const failing = () => Promise.reject(new Error("away"));
    const { asked, reads } = readsOf({ infos: [lower, failing, lower], believedAfterMs: 1000 });
    reads.note(SUBJECT, 5);
    await assert.rejects(reads.info(), /away/);
    await delay(1000);
    assert.equal((await reads.info())!.state.last_seq, 4);
    assert.ok(asked.infos > 3);
  });

  for (const found of [message(2), undefined]) {
    const what = found === undefined ? "an entry is listed, and is not there" : "an entry is older";
    test(`is believed to be set back where ${what}, for long`, async () => {
      const infos = [ending(6, SUBJECT)];
      const { asked, reads } = readsOf({ messages: [found], infos, believedAfterMs: 100 });
      reads.note(SUBJECT, 5);
      assert.deepEqual(await reads.last(SUBJECT), found);
      assert.ok(asked.messages > 1);
      const before = asked.messages;
      assert.deepEqual(await reads.last(SUBJECT), found);
      assert.equal(asked.messages, before + 1);
    });
  }
});
