/**
 * Where queries are run: over a folder or a cluster by this process, over a URL by its server.
 *
 * @module
 */
import type { QueryAsk } from "../../server/query/queries.ts";
import { placeOf } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";

/** Rows that are on their way. */
export interface QueryRows {
  readonly columns: readonly string[];
  /** Each a JSON array. At their end is told whether there are more. */
  readonly rows: AsyncGenerator<string, { readonly isTruncated: boolean }, undefined>;
}

/** Runs queries, and keeps indexes. */
export interface QuerySource extends AsyncDisposable {
  query(ask: QueryAsk, signal: AbortSignal): Promise<QueryRows>;
  indexes(topic: string): Promise<readonly string[]>;
  addIndex(topic: string, path: string): Promise<readonly string[]>;
  removeIndex(topic: string, path: string): Promise<readonly string[]>;
}

/** How a source is opened. */
export interface SourceOptions {
  /** Whether indexes are to be changed, for which a folder must be ours. */
  readonly toChange?: boolean;
  /** Longest time of a query. */
  readonly timeoutMs?: number;
}

/** Opens what `--at` names. */
export async function openSource(
  context: Context,
  options: SourceOptions = {},
): Promise<QuerySource> {
  if (placeOf(context.at) === "a server") {
    const { ServerQueries } = await import("./server_queries.ts");
    return await ServerQueries.open(context);
  }
  const { FolderQueries } = await import("./folder_queries.ts");
  return await FolderQueries.open(context, options);
}
