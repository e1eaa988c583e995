/**
 * What a message brings: batches one behind another, with their own offsets.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { type BatchView, decodeBatch } from "../core/format/batch.ts";
import { batchLength, WIRE_SALT } from "../core/format/batch_header.ts";
import type { StoredMessage } from "./stored_message.ts";

/** A message with the pieces before it put together. */
export interface WholeMessage extends StoredMessage {
  /** The sequence of its first piece, which is its own where it has one. */
  readonly firstSequence: number;
  /** Its batches, checked. @throws {SeglogError} `corrupt`, naming the offsets */
  batches(): readonly BatchView[];
}

/**
 * Puts a message together.
 *
 * @param what names the log in errors
 * @param pieces the messages before it that are its pieces, in order
 */
export function wholeMessage(
  what: string,
  message: StoredMessage,
  pieces: readonly StoredMessage[],
): WholeMessage {
  const data = pieces.length === 0 ? message.data : joined([...pieces, message]);
  let batches: readonly BatchView[] | undefined;
  return {
    ...message,
    data,
    firstSequence: pieces[0]?.sequence ?? message.sequence,
    batches: () => batches ??= batchesOf(what, message, data),
  };
}

function batchesOf(what: string, { head }: StoredMessage, data: Uint8Array): BatchView[] {
  const { baseOffset, state: { nextOffset } } = head;
  if (head.gap !== undefined || baseOffset === nextOffset) return [];
  const batches: BatchView[] = [];
  let offset = baseOffset;
  for (let at = 0; at < data.length;) {
    const batch = decodeBatch(data, at, WIRE_SALT);
    if (typeof batch === "string") throw corrupt(what, [offset, nextOffset], batch);
    if (batch.baseOffset !== offset) {
      throw corrupt(what, [offset, nextOffset], `a batch begins at ${batch.baseOffset}`);
    }
    if (!batch.isIntact()) {
      throw corrupt(what, [offset, batch.nextOffset], "its checksum does not match");
    }
    batches.push(batch);
    offset = batch.nextOffset;
    at += batchLength(batch.header);
  }
  if (offset === nextOffset) return batches;
  throw corrupt(what, [offset, nextOffset], "no batch is there");
}

function corrupt(what: string, [start, end]: [number, number], why: string): SeglogError {
  return new SeglogError(
    "corrupt",
    `Cannot read ${what} at offsets ${start} to ${end - 1}: ${why}`,
    { details: { start, end } },
  );
}

function joined(messages: readonly StoredMessage[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, { data }) => sum + data.length, 0));
  let at = 0;
  for (const { data } of messages) {
    bytes.set(data, at);
    at += data.length;
  }
  return bytes;
}
