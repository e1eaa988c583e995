/**
 * Which indexes were asked for: kept in a log like everything else, so that a view that is made anew
 * has them again.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { isNotFound, SeglogError } from "../../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { json } from "../../core/format/record.ts";
import { Kv } from "../../core/kv/kv.ts";
import type { KvTransaction } from "../../core/kv/kv_transaction.ts";
import { VIEW_INDEXES_MAX } from "../../core/query/limits.ts";
import { checkIndexPath } from "../../core/query/view_schema.ts";

const BUCKET = `${INTERNAL_PREFIX}query-indexes`;
/** How often a change is tried again that others were faster than. */
const CHANGE_RETRIES = 20;

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
  return await change(backend, topic, (paths) => {
    if (paths.includes(path)) return paths;
    if (paths.length < VIEW_INDEXES_MAX) return [...paths, path].toSorted();
    throw new SeglogError(
      "too-large",
      `Cannot index ${path} of "${topic}": it has ${VIEW_INDEXES_MAX} indexes, which are the most; remove one`,
      { details: { limit: VIEW_INDEXES_MAX } },
    );
  });
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
  return await change(backend, topic, (paths) => paths.filter((other) => other !== path));
}

/** Keeps what is made of the paths of a topic; nobody else comes in between. */
async function change(
  backend: Backend,
  topic: string,
  make: (paths: readonly string[]) => readonly string[],
): Promise<readonly string[]> {
  await using kv = await Kv.open(backend, BUCKET);
  const { result } = await kv.transaction(async (transaction) => {
    const before = await pathsIn(transaction, topic);
    const paths = make(before);
    if (paths.length === 0) transaction.delete(topic);
    else if (paths !== before) transaction.set(topic, json(paths));
    return paths;
  }, { retries: CHANGE_RETRIES });
  return result;
}

async function pathsIn(
  kv: Pick<Kv | KvTransaction, "get">,
  topic: string,
): Promise<readonly string[]> {
  const entry = await kv.get(topic);
  return entry === undefined ? [] : entry.json() as string[];
}
