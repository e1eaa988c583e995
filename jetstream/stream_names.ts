/**
 * Names of streams and subjects. A catalogue stream lists the topics; each partition is a stream of
 * its own, named by the topic's id, so that a topic that is made anew has other ones.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { TopicInfo } from "../core/backend.ts";

/** Subject of batches that no producer has numbered. */
const PLAIN = "-";
/** Subject of messages that change the log without bringing records. */
const CONTROL = "!";
/** Subject of pieces of a message that is too large for one. */
const PIECE = "+";

/** The stream of one partition, and its subjects. */
export interface PartitionNames {
  readonly stream: string;
  /** What its subjects begin with; one more token follows. */
  readonly subject: string;
  /** All of its subjects. */
  readonly every: string;
  readonly plain: string;
  readonly control: string;
  readonly piece: string;
}

/** The names of one partition of a topic. */
export function partitionNames(
  prefix: string,
  topic: Pick<TopicInfo, "id">,
  partition: number,
): PartitionNames {
  const subject = `${prefix}.log.${topic.id}.${partition}`;
  return {
    stream: `SEGLOG_${prefix}_${topic.id}_${partition}`,
    subject,
    every: `${subject}.>`,
    plain: `${subject}.${PLAIN}`,
    control: `${subject}.${CONTROL}`,
    piece: `${subject}.${PIECE}`,
  };
}

/** The subject of what one producer wrote to a partition. */
export function producerSubject(names: PartitionNames, producerId: string): string {
  return `${names.subject}.${token(producerId)}`;
}

/** Whether a subject of a partition is that of one producer. */
export function isProducerSubject(names: PartitionNames, subject: string): boolean {
  return subject !== names.plain && subject !== names.control && subject !== names.piece;
}

/** The stream that lists the topics. */
export function catalogueStream(prefix: string): string {
  return `SEGLOG_${prefix}`;
}

/** The subjects of the catalogue: all of them, or that of one topic. */
export function catalogueSubject(prefix: string, topic?: string): string {
  return `${prefix}.catalogue.${topic === undefined ? ">" : token(topic)}`;
}

/** The subjects of the leases, in the same stream: all of them, or that of one duty. */
export function leaseSubject(prefix: string, duty?: string): string {
  return `${prefix}.lease.${duty === undefined ? ">" : token(duty)}`;
}

/** Where one process is asked. */
export function nodeSubject(prefix: string, id: string): string {
  return `${prefix}.node.${id}`;
}

/** Any text as one token of a subject: two characters at the least, so it is none of ours. */
function token(text: string): string {
  return Buffer.from(text, "utf8").toString("base64url");
}
