/**
 * What a body asks: a statement, its parameters, and how much it may take.
 *
 * @module
 */
import { PARTITIONS_MAX } from "../../core/base/limits.ts";
import { parseParameters } from "../../core/query/cells.ts";
import { QUERY_TOPICS_MAX } from "../../core/query/limits.ts";
import { JsonMembers } from "../json_members.ts";
import { WHOLE } from "../query.ts";
import {
  QUERY_ANSWER_BYTES_MAX,
  QUERY_MS_DEFAULT,
  QUERY_MS_MAX,
  QUERY_ROWS_MAX,
} from "./limits.ts";
import type { QueryAsk } from "./queries.ts";

/** What a body asks. */
export interface QueryBody {
  readonly ask: QueryAsk;
  /** Offsets that ends have to pass first. */
  readonly minOffsets: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly minOffset: number;
  }[];
}

/**
 * Reads a body such as `{"sql":"select * from orders where key = ?","params":["u1"],"limit":10}`.
 *
 * @param rowsDefault most rows where nothing is said
 * @throws {SeglogError} `invalid-argument`
 */
export function parseQueryBody(text: string, rowsDefault: number): QueryBody {
  const members = JsonMembers.parse(text)
    .only("sql", "params", "limit", "timeoutMs", "explain", "minOffsets");
  const explain = members.get("explain") ?? false;
  if (typeof explain !== "boolean") throw members.wrong("explain", "must be true or false");
  const ask = {
    sql: members.text("sql"),
    parameters: members.get("params") === undefined ? [] : parseParameters(members.slice("params")),
    explain,
    rowsMax: members.maybeWhole("limit", 1, QUERY_ROWS_MAX) ?? rowsDefault,
    bytesMax: QUERY_ANSWER_BYTES_MAX,
    timeoutMs: members.maybeWhole("timeoutMs", 1, QUERY_MS_MAX) ?? QUERY_MS_DEFAULT,
  };
  return { ask, minOffsets: minOffsetsOf(members) };
}

/** `{"orders":{"0":42}}`, as `offsets` of an answer. @throws {SeglogError} `invalid-argument` */
function minOffsetsOf(members: JsonMembers): QueryBody["minOffsets"] {
  const asked = members.get("minOffsets") ?? {};
  const wrong = members.wrong(
    "minOffsets",
    `must have an offset for each partition of ${QUERY_TOPICS_MAX} topics at the most, such as ` +
      '{"orders":{"0":42}}',
  );
  if (!isObject(asked) || Object.keys(asked).length > QUERY_TOPICS_MAX) throw wrong;
  return Object.entries(asked).flatMap(([topic, offsets]) => {
    if (!isObject(offsets)) throw wrong;
    return Object.entries(offsets).map(([text, minOffset]) => {
      const partition = WHOLE.test(text) ? Number(text) : NaN;
      const isRight = partition < PARTITIONS_MAX && Number.isSafeInteger(minOffset) &&
        (minOffset as number) >= 0;
      if (!isRight) throw wrong;
      return { topic, partition, minOffset: minOffset as number };
    });
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
