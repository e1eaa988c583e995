/**
 * What a copy may not have yet. Whoever decides something by it for all who use the topics asks where
 * they come from; who only has to read waits for it. A backend that is no copy knows all itself.
 *
 * @module
 */
import type { Backend, Bounds, TopicInfo } from "./backend.ts";
import { isNotFound } from "./base/errors.ts";
import { waitForOffset } from "./wait_for_offset.ts";

/** A partition of a topic. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** How long a copy may take to have what its source has. */
const CATCH_UP_MS = 60_000;

/** Where the topics come from. */
export function originOf(backend: Backend): Backend {
  return backend.following?.origin ?? backend;
}

/** Where a partition starts and ends; `told` is an offset that somebody has seen there. */
export async function boundsFor(
  backend: Backend,
  { topic, partition }: Place,
  told: number,
): Promise<Bounds> {
  const bounds = await backend.bounds(topic, partition);
  if (told <= bounds.nextOffset) return bounds;
  const origin = originOf(backend);
  return origin === backend ? bounds : await origin.bounds(topic, partition);
}

/** The same, when the copy ends there, or behind it. @throws {SeglogError} `unavailable` */
export async function boundsFrom(
  backend: Backend,
  { topic, partition }: Place,
  { offset, signal }: { readonly offset: number; readonly signal?: AbortSignal },
): Promise<Bounds> {
  if (backend.following === undefined) return await backend.bounds(topic, partition);
  const waiting = signal === undefined ? {} : { signal };
  return await waitForOffset(backend, topic, { partition, minOffset: offset, ...waiting });
}

/** All topics: those of the copy, where these are enough. */
export async function topicsFor(
  backend: Backend,
  areEnough: (topics: readonly TopicInfo[]) => boolean,
): Promise<readonly TopicInfo[]> {
  const topics = await backend.listTopics();
  if (areEnough(topics)) return topics;
  const origin = originOf(backend);
  return origin === backend ? topics : await origin.listTopics();
}

/** Resolves when the copy has what its source has of a topic now. @throws {SeglogError} `unavailable` */
export async function caughtUpWith(backend: Backend, topic: string): Promise<void> {
  const origin = originOf(backend);
  if (origin === backend) return;
  try {
    const { nextOffset: minOffset } = await origin.bounds(topic);
    await waitForOffset(backend, topic, { minOffset, minOffsetWaitMs: CATCH_UP_MS });
  } catch (error) {
    if (!isNotFound(error)) throw error; // where there is none, nothing is missing
  }
}
