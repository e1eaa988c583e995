/**
 * What a body asks: a statement, its parameters, and how much it may take.
 *
 * @module
 */
import { parseParameters } from "../../core/query/cells.ts";
import { JsonMembers } from "../json_members.ts";
import {
  QUERY_ANSWER_BYTES_MAX,
  QUERY_MS_DEFAULT,
  QUERY_MS_MAX,
  QUERY_ROWS_MAX,
} from "./limits.ts";
import type { QueryAsk } from "./queries.ts";

/**
 * Reads a body such as `{"sql":"select * from orders where key = ?","params":["u1"],"limit":10}`.
 *
 * @param rowsDefault most rows where nothing is said
 * @throws {SeglogError} `invalid-argument`
 */
export function parseQueryBody(text: string, rowsDefault: number): QueryAsk {
  const members = JsonMembers.parse(text)
    .only("sql", "params", "limit", "timeoutMs", "explain");
  const explain = members.get("explain") ?? false;
  if (typeof explain !== "boolean") throw members.wrong("explain", "must be true or false");
  return {
    sql: members.text("sql"),
    parameters: members.get("params") === undefined ? [] : parseParameters(members.slice("params")),
    explain,
    rowsMax: members.maybeWhole("limit", 1, QUERY_ROWS_MAX) ?? rowsDefault,
    bytesMax: QUERY_ANSWER_BYTES_MAX,
    timeoutMs: members.maybeWhole("timeoutMs", 1, QUERY_MS_MAX) ?? QUERY_MS_DEFAULT,
  };
}
