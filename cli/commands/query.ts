/**
 * `query`: records by SQL.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { parseParameters, type SqlParameters } from "../../core/query/cells.ts";
import { QUERY_ROWS_MAX } from "../../server/query/limits.ts";
import { EXIT_INTERRUPTED, EXIT_OK, UsageError } from "../exit.ts";
import type { QueryVerbOptions } from "../grammar/query.ts";
import type { Context } from "../grammar/verb.ts";
import { interruptible, type Io } from "../io.ts";
import { printPlan } from "../query/print_plan.ts";
import { printRows } from "../query/print_rows.ts";
import { openSource } from "../query/query_source.ts";
import { formatCount } from "../units.ts";

const TIMEOUT_MS = 30_000;
const TERMINAL_ROWS = 1000;

/** Runs one query, and writes its rows. */
export async function query(context: Context, options: QueryVerbOptions): Promise<number> {
  const { output, io } = context;
  const { shaped, csv, explain, timeoutMs = TIMEOUT_MS } = options;
  if (shaped && csv) throw new UsageError("give --json or --csv, not both");
  const isShort = output.isTerminal && !shaped && !csv;
  const ask = {
    sql: options.sql === "-" ? await inputText(io) : options.sql,
    parameters: parametersOf(options.parameters),
    explain,
    rowsMax: options.limit ?? (isShort ? TERMINAL_ROWS : QUERY_ROWS_MAX),
    bytesMax: Number.MAX_SAFE_INTEGER,
    timeoutMs,
  };
  return await interruptible(io, async (signal) => {
    try {
      await using source = await openSource(context, { timeoutMs });
      const rows = await source.query(ask, signal);
      if (explain && !shaped && !csv) {
        await printPlan(output, rows);
        return EXIT_OK;
      }
      const { count, isTruncated } = await printRows(output, rows, { shaped, csv });
      if (isTruncated && options.limit === undefined) {
        output.note(
          `seglog: these are the first ${
            formatCount(count)
          } rows, and there are more; --limit says how many`,
        );
      }
      return EXIT_OK;
    } catch (error) {
      if (signal.aborted) return EXIT_INTERRUPTED;
      throw error;
    }
  });
}

/** Values that are numbers, true, false or null are those; all others are text. */
function parametersOf(given: readonly (readonly [string, string])[]): SqlParameters {
  const members = given.map(([name, value]) => {
    const isScalar = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)$/.test(
      value,
    );
    return `${JSON.stringify(name.replace(/^[:$@]/, ""))}:${
      isScalar ? value : JSON.stringify(value)
    }`;
  });
  return members.length === 0 ? [] : parseParameters(`{${members.join()}}`);
}

async function inputText({ stdin }: Io): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of stdin) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("utf8");
}
