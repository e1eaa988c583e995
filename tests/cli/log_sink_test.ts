/** A log that nobody reads holds nobody up, and takes no more than its bound. */
import assert from "node:assert/strict";
import process from "node:process";
import { Writable } from "node:stream";
import { test } from "node:test";
import { LogSink } from "../../cli/log_sink.ts";

/** Nothing is dropped where there is room. */
const unexpected = (lines: number) => assert.fail(`dropped ${lines}`);

/** A stream that takes a write when it is told to. */
class HeldStream extends Writable {
  readonly taken: string[] = [];
  #take: (() => void) | undefined;

  override _write(bytes: Uint8Array, _encoding: string, done: () => void): void {
    this.#take = () => {
      this.taken.push(new TextDecoder().decode(bytes));
      done();
    };
  }

  /** Takes what waits, and resolves when that was told. */
  async take(): Promise<void> {
    const take = this.#take!;
    this.#take = undefined;
    take();
    await new Promise((resolve) => setImmediate(resolve));
  }

  get isWaiting(): boolean {
    return this.#take !== undefined;
  }
}

test("lines that come while one is written are written together, in order", async () => {
  const stream = new HeldStream();
  const sink = new LogSink(stream, unexpected);
  for (const line of ["a\n", "b\n", "c\n"]) sink.write(line);
  await stream.take();
  await stream.take();
  assert.deepEqual(stream.taken, ["a\n", "b\nc\n"]);
  assert.equal(stream.isWaiting, false);
});

test("a stream that takes nothing costs a bound, and what was dropped is told when it does", async () => {
  const stream = new HeldStream();
  const sink: LogSink = new LogSink(stream, (lines) => sink.write(`dropped ${lines}\n`));
  const line = `${"x".repeat(1023)}\n`;
  for (let i = 0; i < 5000; i++) sink.write(line);
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 100_000; i++) sink.write(line);
  assert.ok(process.memoryUsage().arrayBuffers - before < 50e6);
  while (stream.isWaiting) await stream.take();
  const text = stream.taken.join("");
  const [, dropped] = /dropped (\d+)\n/.exec(text)!;
  const kept = text.split("\n").filter((line) => line.startsWith("x")).length;
  assert.equal(kept, 1024, "a mebibyte");
  assert.equal(Number(dropped), 105_000 - kept);
  sink.write("after\n");
  await stream.take();
  assert.equal(stream.taken.at(-1), "after\n");
});

test("the end waits for what is written, and for nobody for ever", async () => {
  const stream = new HeldStream();
  const sink = new LogSink(stream, unexpected);
  await sink.finish(); // there is nothing to wait for
  sink.write("a\n");
  let isOver = false;
  const finished = sink.finish().then(() => isOver = true);
  assert.equal(isOver, false);
  await stream.take();
  await finished;
  sink.write("b\n");
  await sink.finish(); // nobody takes it
  assert.deepEqual(stream.taken, ["a\n"]);
});

test("a stream that has failed takes lines without end", () => {
  const stream = new Writable({ write: (_bytes, _encoding, done) => done(new Error("EPIPE")) });
  stream.on("error", () => {});
  const sink = new LogSink(stream, unexpected);
  for (let i = 0; i < 1000; i++) sink.write("line\n");
});
