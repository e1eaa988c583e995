/**
 * Bytes to append: standard input or a file.
 *
 * @module
 */
import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { concatBytes } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { RECORD_BYTES_MAX } from "../../core/base/limits.ts";
import { UsageError } from "../exit.ts";
import type { Context } from "../grammar/verb.ts";
import { countOf } from "../units.ts";

const FILE_CHUNK_BYTES = 256 * 1024;

/** Where bytes come from, and whether a person types them. */
export interface Input {
  readonly stream: Readable;
  readonly isTyped: boolean;
}

/** Opens a file, or standard input for `-` and `undefined`. @throws {SeglogError} `not-found` */
export function openInput({ io, output }: Context, file: string | undefined): Input {
  if (file !== undefined && file !== "-") {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) {
      throw new SeglogError("not-found", `Cannot read ${file}: there is no such file`);
    }
    if (found.isDirectory()) throw new UsageError(`cannot append ${file}: it is a folder`);
    return { stream: createReadStream(file, { highWaterMark: FILE_CHUNK_BYTES }), isTyped: false };
  }
  const isTyped = io.stdin.isTTY === true;
  if (isTyped) output.note("seglog: reading lines from the terminal, Ctrl-D ends");
  return { stream: io.stdin, isTyped };
}

/**
 * The chunks of a stream, until its end or until the signal. The signal is heeded also while
 * nothing comes: closing the stream does not wake up its reader on every runtime.
 */
export async function* chunksOf(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = stream[Symbol.asyncIterator]();
  let wake = () => {};
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
        wake = () => resolve(undefined);
        chunks.next().then(resolve, reject);
      });
      if (next === undefined || next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** All bytes of a stream, which must fit into one record. @throws {SeglogError} `too-large` */
export async function wholeInput(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > RECORD_BYTES_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot append the input as one value: it is longer than ${
          countOf(RECORD_BYTES_MAX, "byte")
        }, the limit of a record`,
      );
    }
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}
