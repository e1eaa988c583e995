/**
 * Bytes to append: standard input or a file.
 *
 * @module
 */
import { createReadStream, existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { concatBytes } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { RECORD_BYTES_MAX } from "../../core/base/limits.ts";
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
    if (!existsSync(file)) {
      throw new SeglogError("not-found", `Cannot read ${file}: there is no such file`);
    }
    return { stream: createReadStream(file, { highWaterMark: FILE_CHUNK_BYTES }), isTyped: false };
  }
  const isTyped = io.stdin.isTTY === true;
  if (isTyped) output.note("seglog: reading lines from the terminal, Ctrl-D ends");
  return { stream: io.stdin, isTyped };
}

/** The chunks of a stream, until its end or until the signal, which closes it. */
export async function* chunksOf(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const close = () => stream.destroy();
  signal.addEventListener("abort", close, { once: true });
  try {
    if (signal.aborted) return;
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", close);
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
