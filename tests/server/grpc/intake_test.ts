/** Messages as they come in: bounded by their heads, and counted before memory is taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { BodyBudget } from "../../../server/body_budget.ts";
import { Intake, type IntakeOptions } from "../../../server/grpc/intake.ts";
import { collect } from "../../support/collect.ts";

const BYTES_MAX = 1000;

/** A message with its head, which may say another length. */
function message(content: Uint8Array, { flags = 0, length = content.length } = {}): Uint8Array {
  const whole = new Uint8Array(5 + content.length);
  whole[0] = flags;
  new DataView(whole.buffer).setUint32(1, length);
  whole.set(content, 5);
  return whole;
}

function open(chunks: AsyncIterable<Uint8Array>, options: Partial<IntakeOptions> = {}): Intake {
  return new Intake(chunks, {
    isEnveloped: true,
    isZipped: false,
    bytesMax: BYTES_MAX,
    budget: new BodyBudget(10 * BYTES_MAX),
    onBytes: () => {},
    ms: 3000,
    ...options,
  });
}

async function* of(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
}

/** What comes, and then nothing more, and no end. */
async function* silenceAfter(
  ...chunks: Uint8Array[]
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks;
  await new Promise(() => {});
}

async function failsWith(code: Code, intake: Intake): Promise<void> {
  await assert.rejects(collect(intake), (error) => {
    assert.ok(error instanceof ConnectError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}

test("messages come out whole, wherever they are cut on their way", async () => {
  const all = [
    message(new Uint8Array(3).fill(1)),
    message(new Uint8Array(0)),
    message(
      new Uint8Array(BYTES_MAX).fill(2),
    ),
  ];
  const bytes = Uint8Array.from(all.flatMap((one) => [...one]));
  for (const size of [1, 7, 400, bytes.length]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
    const came = (await collect(open(of(...chunks)))).map((one) => [...one]);
    assert.deepEqual(came, all.map((one) => [...one]));
  }
});

test("a message that is too long is refused by its head, before any of it is waited for", async () => {
  const head = message(new Uint8Array(0), { length: BYTES_MAX + 1 });
  await failsWith(Code.InvalidArgument, open(silenceAfter(head)));
  const announced = open(silenceAfter(), { isEnveloped: false, announced: BYTES_MAX + 1 });
  await failsWith(Code.InvalidArgument, announced);
  const body = [new Uint8Array(BYTES_MAX), new Uint8Array(1)];
  await failsWith(Code.InvalidArgument, open(silenceAfter(...body), { isEnveloped: false }));
});

test("memory is counted while a message is there, and given back whatever becomes of it", async () => {
  const budget = new BodyBudget(BYTES_MAX);
  const half = message(new Uint8Array(600));
  for await (const _ of open(of(half), { budget })) {
    await failsWith(Code.ResourceExhausted, open(silenceAfter(half), { budget }));
    await failsWith(
      Code.ResourceExhausted,
      open(silenceAfter(half.subarray(5)), { budget, isEnveloped: false }),
    );
  }
  await failsWith(Code.InvalidArgument, open(of(half.subarray(0, 100)), { budget }));
  budget.take(BYTES_MAX); // all of it is there again
});

test("what is packed is no more than is allowed when it is unpacked", async () => {
  const packed = (bytes: number) => message(gzipSync(new Uint8Array(bytes)), { flags: 1 });
  const budget = new BodyBudget(2 * BYTES_MAX);
  const [came] = await collect(open(of(packed(BYTES_MAX)), { isZipped: true, budget }));
  assert.deepEqual([came![0], came!.length], [0, 5 + BYTES_MAX]);
  const bomb = packed(BYTES_MAX + 1);
  assert.ok(bomb.length < 100);
  await failsWith(Code.InvalidArgument, open(of(bomb), { isZipped: true, budget }));
  budget.take(2 * BYTES_MAX);
});

test("the end of a call ends the waiting for its messages", async () => {
  const intake = open(silenceAfter(message(new Uint8Array(9)).subarray(0, 7)));
  const over = new AbortController();
  intake.endWith(over.signal);
  const failing = failsWith(Code.DeadlineExceeded, intake);
  over.abort(new ConnectError("the time is over", Code.DeadlineExceeded));
  await failing;
});
