/**
 * What a truncation of a log may ask for.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import { outOfRange } from "../base/offset_errors.ts";
import type { LogWriter } from "./log_writer.ts";
import type { LogView } from "./view.ts";

/** All records below `before`, or all above `after`. */
export type TruncatedRange =
  | { readonly before: number; readonly after?: undefined }
  | { readonly after: number; readonly before?: undefined };

/** Removes records from one end of a log. Throws as `Log.truncate`. */
export async function truncateLog(
  writer: LogWriter,
  view: Pick<LogView, "name" | "logStartOffset" | "nextOffset">,
  range: TruncatedRange,
): Promise<void> {
  const offset = range.before ?? range.after;
  if (offset === undefined || (range.before !== undefined && range.after !== undefined)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot truncate ${view.name}: give before or after, and not both`,
    );
  }
  const least = range.before === undefined ? -1 : 0;
  if (!Number.isSafeInteger(offset) || offset < least) throw outOfRange(view.name, offset, view);
  if (range.before !== undefined) await writer.truncateBefore(range.before);
  else await writer.truncateAfter(range.after);
}
