/**
 * What a partition remembers of its producers. The newest message of each tells; before a truncation
 * removes that, what it told goes into the message of the truncation.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";
import { PRODUCERS_MAX } from "../core/base/limits.ts";
import type { ProducerState } from "../core/format/producer_state.ts";
import { corruptMessage, decodeProducerState, encodeProducerState } from "./log_state.ts";
import type { PartitionStream } from "./partition_stream.ts";
import { isProducerSubject, producerSubject } from "./stream_names.ts";

/** Producers that are asked for at the same time. */
const ASKED_AT_ONCE = 64;

/** What is known of a producer at the end of the stream, if anything. */
export async function findProducerState(
  stream: PartitionStream,
  producerId: string,
): Promise<ProducerState | undefined> {
  const last = await stream.lastOf(producerSubject(stream.names, producerId));
  if (last !== undefined) return last.producer;
  return (await keptProducers(stream)).find(({ id }) => id === producerId);
}

/**
 * What has to be kept of producers when messages are removed.
 *
 * @param below messages with lower numbers go
 * @returns the content of the message that says so
 */
export async function producersToKeep(
  stream: PartitionStream,
  below: number,
): Promise<Uint8Array> {
  const { names, streams } = stream;
  const info = await streams.info(names.stream, names.every);
  const subjects = Object.keys(info?.state.subjects ?? {})
    .filter((subject) => isProducerSubject(names, subject));
  const newest: { readonly sequence: number; readonly state: ProducerState }[] = [];
  for (let at = 0; at < subjects.length; at += ASKED_AT_ONCE) {
    const some = subjects.slice(at, at + ASKED_AT_ONCE);
    for (const message of await Promise.all(some.map((subject) => stream.lastOf(subject)))) {
      if (message?.producer === undefined || message.sequence >= below) continue;
      newest.push({ sequence: message.sequence, state: message.producer });
    }
  }
  const kept = new Map((await keptProducers(stream)).map((state) => [state.id, state]));
  for (const { state } of newest.toSorted((a, b) => a.sequence - b.sequence)) {
    kept.delete(state.id); // put back as more recently seen
    kept.set(state.id, state);
  }
  const states = [...kept.values()].slice(-PRODUCERS_MAX);
  return encodeUtf8(states.map((state) => `${encodeProducerState(state)}\n`).join(""));
}

/** What truncations kept. */
async function keptProducers(stream: PartitionStream): Promise<ProducerState[]> {
  const control = await stream.lastOf(stream.names.control);
  if (control === undefined) return [];
  const where = `message ${control.sequence} of stream ${stream.names.stream}`;
  const lines = decodeUtf8((await stream.whole(control)).data).split("\n");
  if (lines.pop() !== "") throw corruptMessage(where, "it is cut off");
  return lines.map((line) => decodeProducerState(line, where));
}
