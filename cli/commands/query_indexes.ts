/**
 * `query indexes`: what queries of a topic can look up at once.
 *
 * @module
 */
import { EXIT_OK } from "../exit.ts";
import type { IndexChangeOptions, IndexListOptions } from "../grammar/query.ts";
import type { Context } from "../grammar/verb.ts";
import { openSource } from "../query/query_source.ts";

/** Lists paths, one a line. */
export async function listIndexes(
  context: Context,
  { topic }: IndexListOptions,
): Promise<number> {
  await using source = await openSource(context);
  const paths = await source.indexes(topic);
  if (paths.length === 0) {
    context.output.note(`seglog: "${topic}" is indexed by offset, key and timestamp only`);
  }
  await context.output.write(paths.map((path) => `${path}\n`).join(""));
  return EXIT_OK;
}

/** Adds one. */
export async function addIndex(
  context: Context,
  { topic, path }: IndexChangeOptions,
): Promise<number> {
  await using source = await openSource(context, { toChange: true });
  await source.addIndex(topic, path);
  context.output.note(`seglog: "${topic}" will be indexed by ${path} with the next query`);
  return EXIT_OK;
}

/** Takes one away. */
export async function removeIndex(
  context: Context,
  { topic, path }: IndexChangeOptions,
): Promise<number> {
  await using source = await openSource(context, { toChange: true });
  await source.removeIndex(topic, path);
  context.output.note(`seglog: "${topic}" is indexed by ${path} no more`);
  return EXIT_OK;
}
