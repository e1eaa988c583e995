/**
 * What is in the way of one does not keep the others waiting.
 *
 * @module
 */

/** Runs for each, one after another, also behind one that fails. @throws what the first that failed threw */
export async function forEach<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) await run(item).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
