/**
 * Copies all topics of one backend into another: a store into a cluster, a server into a folder, and
 * back.
 *
 * @module
 */
import type { Backend, TopicInfo } from "../core/backend.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { MirrorTarget } from "../core/mirror_contract.ts";
import { copyTopics, detailsOf } from "./copy_topics.ts";
import { type MirrorVerification, verifyMirror } from "./verify_mirror.ts";

/** How topics are copied. */
export interface MirrorOptions {
  /** Which; all that the source shows unless given. */
  readonly topics?: readonly string[];
  /** Compare record by record when everything is copied; false unless given. */
  readonly verify?: boolean;
  /** Is told again and again how much was copied. */
  readonly onProgress?: (progress: MirrorProgress) => void;
  /** Ends it where it is, with the report so far; what was copied stays, and is gone on from. */
  readonly signal?: AbortSignal;
}

/** How much was copied. */
export interface MirrorProgress {
  /** Partitions that are done. */
  readonly partitions: number;
  /** Records that were copied; those that were there already are not among them. */
  readonly records: number;
  /** Bytes of batches. */
  readonly bytes: number;
}

/** What a copy did. */
export interface MirrorReport extends MirrorProgress {
  /** Topics that were looked at. */
  readonly topics: number;
  /** Whether everything was copied, and not ended by the signal before. */
  readonly isWhole: boolean;
  /** What comparing found, where that was asked for. */
  readonly verification?: MirrorVerification;
}

/**
 * Copies topics with their ids, settings and records: offsets, times, producers and gaps are those of
 * the source. Topics that a server keeps for itself are among them: committed offsets of groups,
 * schemas, tokens, tenants, webhooks. What a target has already is not copied again, so a copy that was
 * cut short is gone on with by making it again.
 *
 * Partitions are copied up to where they ended when the call began, or as far as compaction has come
 * meanwhile.
 *
 * @param source any backend
 * @param target one that has a `mirrorTarget`: a store, a cluster
 * @throws {SeglogError} `unsupported` when the target takes nothing in; `exists` when it has another
 * topic of that name; `condition-failed`, with `diverged` in its details, when it has other records;
 * `not-found` for a topic that is asked for and not there
 *
 * @example
 * ```ts
 * import { mirror, Store } from "seglog";
 *
 * await using source = await Store.memory(); // or connect("http://127.0.0.1:8080")
 * await source.append("orders", [{ key: "u1", value: "hello" }]);
 * await using target = await Store.memory();
 * const report = await mirror(source, target, { verify: true });
 * console.assert(report.verification?.ok && (await target.read("orders", 0)).text === "hello");
 * ```
 */
export async function mirror(
  source: Backend,
  target: Backend,
  options: MirrorOptions = {},
): Promise<MirrorReport> {
  const into = mirrorTargetOf(target);
  const { signal, onProgress = () => {} } = options;
  const topics = await topicsToCopy(source, options.topics);
  const total = { partitions: 0, records: 0, bytes: 0 };
  for (const topic of topics) await into.adopt(topic);
  const details = await detailsOf(source, topics);
  await copyTopics({
    source,
    topics: details,
    copy: target,
    target: into,
    signal,
    onTaken({ records, bytes }) {
      total.records += records;
      total.bytes += bytes;
      onProgress(total);
    },
    onPartition() {
      total.partitions++;
      onProgress(total);
    },
  });
  const isWhole = !signal?.aborted;
  const report = { topics: topics.length, ...total, isWhole };
  if (!options.verify || !isWhole) return report;
  const names = (await source.listTopics()).map(({ name }) => name);
  const copied = topics.map(({ name }) => name).filter((name) => names.includes(name));
  const verification = await verifyMirror(source, target, {
    topics: copied,
    ...signal === undefined ? {} : { signal },
  });
  return { ...report, verification };
}

/** What a backend takes in with. @throws {SeglogError} `unsupported` */
export function mirrorTargetOf(target: Backend): MirrorTarget {
  if (target.mirrorTarget !== undefined) return target.mirrorTarget;
  throw new SeglogError(
    "unsupported",
    `Cannot mirror to a backend of kind ${target.capabilities.kind}: it gives records offsets of its ` +
      "own; mirror to a folder or to a cluster",
  );
}

async function topicsToCopy(
  source: Backend,
  names: readonly string[] | undefined,
): Promise<readonly TopicInfo[]> {
  const all = await source.listTopics();
  if (names === undefined) return all;
  const byName = new Map(all.map((info) => [info.name, info]));
  return await Promise.all(
    [...new Set(names)].map(async (name) => byName.get(name) ?? await source.describeTopic(name)),
  );
}
