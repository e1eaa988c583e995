/**
 * `follow`: a folder that is kept in step with a server.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { sleep } from "../../core/base/clock.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { Store } from "../../core/store/store.ts";
import { Replica } from "../../replica/replica.ts";
import type { ReplicaStatus } from "../../replica/replica_contract.ts";
import { isUrl, notice, openSource } from "../connect.ts";
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { FollowVerbOptions } from "../grammar/replica.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible } from "../io.ts";
import type { Output } from "../output.ts";
import { sourceName } from "../source_name.ts";
import { countOf } from "../units.ts";

/** How often progress is looked at. */
const SHOW_MS = 500;
/** Pause before a source that does not answer is tried again. */
const RETRY_MS = 2000;

/** Follows until a signal, or, with `once`, until everything is there. */
export async function follow(context: Context, options: FollowVerbOptions): Promise<number> {
  const { io, output } = context;
  const { data, once } = options;
  if (isUrl(data)) {
    throw new UsageError(`follow needs a folder, and ${data} is a server: --data DIR`);
  }
  return await interruptible(io, async (signal) => {
    await using source = await openPatiently({ ...context, at: options.source }, { once, signal });
    if (source === undefined) return EXIT_OK;
    if (options.discardDiverged) await setOwnAside(data, source, output);
    await using local = await openReplica(source, options, output);
    await using replica = new Replica(source, local, { onNotice: notice(output) });
    if (once) {
      await replica.caughtUp(signal);
      if (signal.aborted) return EXIT_INTERRUPTED;
      tellCaughtUp(output, replica.status, data);
      return EXIT_OK;
    }
    await showProgress(replica, { output, data, signal });
    return EXIT_OK;
  });
}

/** Whoever runs for long may be started before its source. */
async function openPatiently(
  context: Context,
  { once, signal }: { readonly once: boolean; readonly signal: AbortSignal },
): Promise<Backend | undefined> {
  let told: string | undefined;
  while (!signal.aborted) {
    try {
      return await openSource(context, true);
    } catch (error) {
      const mayCome = error instanceof SeglogError && error.code === "unavailable";
      if (once || !mayCome) throw error;
      if (told === undefined) context.output.note(`seglog: ${messageOf(error)}; trying again`);
      told = messageOf(error);
      await sleep(RETRY_MS, signal);
    }
  }
  return undefined;
}

async function openReplica(
  { epoch }: Backend,
  { source, data, renamed }: FollowVerbOptions,
  output: Output,
): Promise<Store> {
  const follows = {
    source: sourceName(source),
    isOther: renamed,
    ...epoch === undefined ? {} : { epoch },
  };
  try {
    return await Store.open(data, { follows, onNotice: notice(output) });
  } catch (error) {
    throw withRemedy(error);
  }
}

/** An error with what helps on the command line. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof SeglogError)) return error;
  const remedy = error.code === "exists"
    ? "to make a replica of it, with what it has kept in quarantine, give --discard-diverged"
    : error.code === "condition-failed" && typeof error.details.expected === "string"
    ? "to say so, give --renamed"
    : undefined;
  if (remedy === undefined) return error;
  const { code, message, details } = error;
  return new SeglogError(code, `${message}; ${remedy}`, { details, cause: error });
}

/**
 * Keeps what a store of its own has, in quarantine: the notices of the store say where.
 *
 * @throws {SeglogError} `condition-failed` when it has the place of the source: then it stays as it is
 */
async function setOwnAside(
  folder: string,
  { epoch = 1 }: Backend,
  output: Output,
): Promise<void> {
  let own: Store;
  try {
    own = await Store.open(folder, { create: false, onNotice: notice(output) });
  } catch (error) {
    const isNone = error instanceof SeglogError &&
      (error.code === "not-found" || error.code === "read-only");
    if (isNone) return; // nothing is there, or a replica already
    throw error;
  }
  await using store = own;
  if (epoch < store.epoch) {
    throw new SeglogError(
      "condition-failed",
      `Cannot make ${folder} a replica of what has epoch ${epoch}: it has epoch ${store.epoch}, and has ` +
        "replaced that; nothing was changed. Is it the folder of the new leader? The old one is to follow it",
      { details: { epoch, known: store.epoch } },
    );
  }
  for (const { name } of await store.listTopics()) {
    await store.mirrorTarget!.setAside(name, "it becomes a replica");
  }
}

async function showProgress(
  replica: Replica,
  { output, data, signal }: {
    readonly output: Output;
    readonly data: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  let isTold = false;
  while (!signal.aborted) {
    const { status } = replica;
    const { partitions, lastError } = status;
    const lag = partitions.reduce((sum, each) => sum + each.lag, 0);
    const isThere = lastError === undefined && lag === 0 &&
      partitions.every(({ state }) => state === "following");
    if (isThere && !isTold) tellCaughtUp(output, status, data);
    if (isThere || lastError !== undefined) isTold = isThere;
    output.status(isThere ? "" : `${countOf(lag, "record")} behind`);
    await sleep(SHOW_MS, signal);
  }
  output.status("");
}

function tellCaughtUp(output: Output, { partitions }: ReplicaStatus, data: string): void {
  const topics = new Set(partitions.map(({ topic }) => topic)).size;
  output.note(
    `seglog: ${data} is caught up: ${countOf(partitions.length, "partition")} of ` +
      countOf(topics, "topic"),
  );
}
