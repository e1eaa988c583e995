/** The command line inside the test's own process, with streams that may claim to be terminals. */
import { Buffer } from "node:buffer";
import { Readable, Writable } from "node:stream";
import type { Io } from "../../cli/io.ts";
import { main } from "../../cli/program.ts";

/** What the surroundings are like. */
export interface FakeOptions {
  readonly at: string;
  readonly input?: string | readonly string[];
  readonly isTerminal?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command; streams are terminals where the options say so. */
export async function runMain(
  args: readonly string[],
  options: FakeOptions,
): Promise<{ code: number; out: string; err: string }> {
  const isTTY = options.isTerminal === true;
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const input = typeof options.input === "string" ? [options.input] : options.input ?? [];
  const io: Io = {
    stdin: Object.assign(Readable.from(input.map((text) => Buffer.from(text))), { isTTY }),
    stdout: Object.assign(gathering(out), { isTTY, columns: 80 }),
    stderr: Object.assign(gathering(err), { isTTY, columns: 80 }),
    env: { SEGLOG_AT: options.at, ...options.env },
    onInterrupt: () => () => {},
    onHangUp: () => () => {},
    exit: () => {},
  };
  const code = await main(args, io);
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

function gathering(pieces: Buffer[]): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece));
      done();
    },
  });
}
