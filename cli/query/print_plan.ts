/**
 * How SQLite would run a query, as it says it: step by step, those within others further in.
 *
 * @module
 */
import type { Output } from "../output.ts";
import type { QueryRows } from "./query_source.ts";

/** Writes a plan. */
export async function printPlan(output: Output, { rows }: QueryRows): Promise<void> {
  const depths = new Map<number, number>();
  for await (const row of rows) {
    const [id, parent, , detail] = JSON.parse(row) as [number, number, number, string];
    const depth = (depths.get(parent) ?? -1) + 1;
    depths.set(id, depth);
    await output.line(`${"  ".repeat(depth)}${detail}`);
  }
}
