import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBatch, encodeBatch } from "../../mod.ts";
import { collect, rejectsWith } from "../support/collect.ts";
import { APPENDED, fakeBackend, lost, never, problem, refused } from "./fake_server.ts";

const RECORD = [{ value: "a" }];
const PRODUCER = { producer: { id: "p1", epoch: 0, sequence: 0 } };

/** Answers one after another; the last one again and again. */
function inTurn(...answers: (() => Response)[]) {
  let turn = 0;
  return () => answers[Math.min(turn++, answers.length - 1)]!();
}

const ok = () => Response.json(APPENDED);
const fails = (error: () => Error) => (): Response => {
  throw error();
};

test("an error comes back with its code, its details and its message", async () => {
  const details = { offset: 3, logStartOffset: 5, nextOffset: 9 };
  const { backend } = await fakeBackend(() => problem(410, "offset-out-of-range", details));
  const error = await rejectsWith("offset-out-of-range", () => backend.bounds("orders"));
  assert.deepEqual(error.details, details);
  assert.equal(error.httpStatus, 410);
  assert.equal(error.message, "it is offset-out-of-range");
});

test("what the server turns away for now is tried again, a refusal is not", async () => {
  const overloaded = () => problem(503, "overloaded");
  const first = await fakeBackend(inTurn(overloaded, overloaded, ok));
  assert.deepEqual(await first.backend.append("orders", RECORD), APPENDED);
  assert.equal(first.calls.length, 3);
  const second = await fakeBackend(() => problem(412, "condition-failed"));
  await rejectsWith("condition-failed", () => second.backend.append("orders", RECORD));
  assert.equal(second.calls.length, 1);
});

test("trying again ends after so many times, with the last error", async () => {
  const { backend, calls } = await fakeBackend(() => problem(503, "overloaded"), { retries: 2 });
  await rejectsWith("overloaded", () => backend.listTopics());
  assert.equal(calls.length, 3);
});

test("an append that cannot have arrived is tried again", async () => {
  const { backend, calls } = await fakeBackend(inTurn(fails(refused), ok));
  assert.deepEqual(await backend.append("orders", RECORD), APPENDED);
  assert.equal(calls.length, 2);
  const nobody = await fakeBackend(fails(refused), { retries: 1 });
  const error = await rejectsWith("unavailable", () => nobody.backend.append("orders", RECORD));
  assert.equal(error.retryable, true);
});

test("an append whose answer is lost is not tried again: its outcome is unknown", async () => {
  const { backend, calls } = await fakeBackend(fails(lost));
  await rejectsWith("outcome-unknown", () => backend.append("orders", RECORD));
  await rejectsWith("outcome-unknown", () => backend.truncate("orders", { after: 5 }));
  await rejectsWith("outcome-unknown", () => backend.deleteTopic("orders"));
  assert.equal(calls.length, 3);
});

test("an append of a producer whose answer is lost is tried again", async () => {
  const { backend, calls } = await fakeBackend(inTurn(fails(lost), ok));
  assert.deepEqual(await backend.append("orders", RECORD, PRODUCER), APPENDED);
  assert.equal(calls.length, 2);
  const batch = decodeBatch(encodeBatch(RECORD, { nowMs: 1, ...PRODUCER }), 0, 0);
  assert.ok(typeof batch !== "string");
  const encoded = await fakeBackend(inTurn(fails(lost), ok));
  assert.deepEqual(await encoded.backend.appendBatch("orders", batch), APPENDED);
});

test("once an answer was lost, later errors do not make the outcome known", async () => {
  for (const later of [fails(refused), () => problem(503, "overloaded")]) {
    const { backend } = await fakeBackend(inTurn(fails(lost), later), { retries: 1 });
    await rejectsWith("outcome-unknown", () => backend.append("orders", RECORD, PRODUCER));
  }
});

test("reading is tried again whatever was lost", async () => {
  const bounds = { logStartOffset: 0, durableOffset: 1, nextOffset: 1 };
  const { backend } = await fakeBackend(
    inTurn(
      fails(lost),
      fails(refused),
      () => new Response("", { status: 502 }),
      () => Response.json(bounds),
    ),
  );
  assert.deepEqual(await backend.bounds("orders"), bounds);
});

test("an answer that does not come in time is unavailable, for an append unknown", async () => {
  const { backend, calls } = await fakeBackend(never, { timeoutMs: 20, retries: 1 });
  await rejectsWith("unavailable", () => backend.listTopics());
  assert.equal(calls.length, 2);
  await rejectsWith("outcome-unknown", () => backend.append("orders", RECORD));
  assert.ok(calls.every(({ signal }) => signal.aborted));
});

test("a gateway that gives up leaves the outcome unknown", async () => {
  const { backend } = await fakeBackend(() => new Response("bad gateway", { status: 502 }));
  await rejectsWith("outcome-unknown", () => backend.append("orders", RECORD));
});

test("answers that are not from seglog become errors by their status", async () => {
  const cases = [[404, "not-found"], [413, "too-large"], [429, "overloaded"], [500, "unavailable"]];
  for (const [status, code] of cases as [number, "not-found"][]) {
    const { backend } = await fakeBackend(() => new Response("<html>", { status }), { retries: 0 });
    await rejectsWith(code, () => backend.listTopics());
  }
  const { backend } = await fakeBackend(() => new Response("not json"), { retries: 0 });
  await rejectsWith("unsupported", () => backend.listTopics());
});

test("an answer without end is not taken", async () => {
  const endless = () =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1 << 20)) }),
    );
  const { backend } = await fakeBackend(endless, { retries: 0 });
  await rejectsWith("too-large", () => backend.listTopics());
  await rejectsWith("too-large", () => collect(backend.batches("orders")));
});

test("a page that is damaged is an error", async () => {
  const headers = {
    "seglog-next": "1",
    "seglog-next-offset": "1",
    "seglog-log-start-offset": "0",
  };
  const good = encodeBatch(RECORD, { nowMs: 1 });
  const cut = await fakeBackend(() =>
    new Response(good.slice(0, -8) as Uint8Array<ArrayBuffer>, { headers })
  );
  await rejectsWith("io", () => collect(cut.backend.batches("orders")));
  const bare = await fakeBackend(() => new Response(good as Uint8Array<ArrayBuffer>), {
    retries: 0,
  });
  await rejectsWith("unsupported", () => collect(bare.backend.batches("orders")));
});

test("closing ends what is read with `closed`, and waits for what is written", async () => {
  let answerAppend = (_: Response) => {};
  const { backend, calls } = await fakeBackend((call) =>
    call.method === "GET" ? never(call) : new Promise((resolve) => (answerAppend = resolve))
  );
  const reading = rejectsWith("closed", () => backend.listTopics());
  const following = rejectsWith(
    "closed",
    () => collect(backend.batches("orders", { follow: true })),
  );
  const appending = backend.append("orders", RECORD);
  while (calls.length < 3) await new Promise((resolve) => setTimeout(resolve));
  let isClosed = false;
  const closing = backend.close().then(() => (isClosed = true));
  await Promise.all([reading, following]);
  assert.equal(isClosed, false);
  answerAppend(ok());
  assert.deepEqual(await appending, APPENDED);
  await closing;
  await rejectsWith("closed", () => backend.append("orders", RECORD));
});

test("a reader that stops early ends the page that is on its way", async () => {
  const page = encodeBatch(RECORD, { nowMs: 1 }) as Uint8Array<ArrayBuffer>;
  const headers = {
    "seglog-next": "1",
    "seglog-next-offset": "5",
    "seglog-log-start-offset": "0",
  };
  const { backend, calls } = await fakeBackend((call) =>
    call.path.includes("from=1") ? never(call) : new Response(page, { headers })
  );
  for await (const batch of backend.batches("orders")) {
    assert.equal(batch.header.recordCount, 1);
    break;
  }
  assert.equal(calls.length, 2);
  assert.equal(calls[1]!.signal.aborted, true);
});

test("notices tell what is tried again", async () => {
  const notices: string[] = [];
  const { backend } = await fakeBackend(inTurn(fails(refused), ok), {
    onNotice: (notice) => notices.push(notice),
  });
  await backend.append("orders", RECORD);
  assert.equal(notices.length, 1);
  assert.match(notices[0]!, /fake\.example.*ECONNREFUSED.*trying again/);
});

test("headers of the caller go with every request", async () => {
  const { backend, calls } = await fakeBackend(ok, { headers: { "x-team": "blue" } });
  await backend.append("orders", RECORD, { expectedOffset: 7, sync: "os", partition: 2 });
  const [{ headers, path }] = calls as [typeof calls[0] & object];
  assert.equal(path, "/v1/topics/orders/records?partition=2");
  assert.equal(headers.get("x-team"), "blue");
  assert.equal(headers.get("seglog-if-offset"), "7");
  assert.equal(headers.get("seglog-sync"), "os");
});
