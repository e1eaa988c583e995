/**
 * Which indexes were asked for: kept in a log like everything else, so that a view that is made anew
 * has them again.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { isNotFound, SeglogError } from "../../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { Kv } from "../../core/kv/kv.ts";
import { VIEW_INDEXES_MAX } from "../../core/query/limits.ts";
import { checkIndexPath } from "../../core/query/view_schema.ts";

const BUCKET = `${INTERNAL_PREFIX}query-indexes`;

/** Changes when an index of any topic was asked for, or given up. */
export async function indexRevision(backend: Backend): Promise<number> {
  try {
    return (await backend.bounds(BUCKET)).nextOffset;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}

/** The paths that have been asked for on a topic, in order. */
export async function readIndexes(backend: Backend, topic: string): Promise<readonly string[]> {
  try {
    await using kv = await Kv.open(backend, BUCKET, { create: false });
    return await pathsIn(kv, topic);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Asks for an index. @returns all paths of the topic. @throws {SeglogError} `invalid-argument` */
export async function addIndex(
  backend: Backend,
  topic: string,
  path: string,
): Promise<readonly string[]> {
  checkIndexPath(path);
  await backend.describeTopic(topic);
  await using kv = await Kv.open(backend, BUCKET);
  const paths = await pathsIn(kv, topic);
  if (paths.includes(path)) return paths;
  if (paths.length >= VIEW_INDEXES_MAX) {
    throw new SeglogError(
      "too-large",
      `Cannot index ${path} of "${topic}": it has ${VIEW_INDEXES_MAX} indexes, which are the most; remove one`,
      { details: { limit: VIEW_INDEXES_MAX } },
    );
  }
  return await keep(kv, topic, [...paths, path].toSorted());
}

/** Asks for an index no more. @returns the paths that are left. @throws {SeglogError} `not-found` */
export async function removeIndex(
  backend: Backend,
  topic: string,
  path: string,
): Promise<readonly string[]> {
  const none = new SeglogError(
    "not-found",
    `Cannot remove the index on ${JSON.stringify(path.slice(0, 80))} of "${topic}": there is none`,
  );
  if (!(await readIndexes(backend, topic)).includes(path)) throw none;
  await using kv = await Kv.open(backend, BUCKET);
  const paths = await pathsIn(kv, topic);
  return await keep(kv, topic, paths.filter((other) => other !== path));
}

async function keep(kv: Kv, topic: string, paths: readonly string[]): Promise<readonly string[]> {
  if (paths.length === 0) await kv.delete(topic);
  else await kv.set(topic, { value: JSON.stringify(paths), type: "json" });
  return paths;
}

async function pathsIn(kv: Kv, topic: string): Promise<readonly string[]> {
  const entry = await kv.get(topic);
  return entry === undefined ? [] : entry.json() as string[];
}
