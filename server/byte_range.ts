/**
 * Ranges of bytes that a reader asks for (RFC 9110, 14).
 *
 * @module
 */

/** Bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

const RANGE = /^bytes=\s*(\d{0,16})-(\d{0,16})\s*$/i;

/**
 * The part of a value that a `Range` header asks for.
 *
 * @param size bytes that there are
 * @returns `undefined` for what is answered with the whole: several ranges, another unit, nonsense;
 * `"unsatisfiable"` where nothing of it is there
 */
export function parseByteRange(
  header: string | null,
  size: number,
): ByteRange | "unsatisfiable" | undefined {
  const [, first, last] = RANGE.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined) return undefined;
  if (first === "") {
    if (last === "") return undefined;
    const start = Math.max(0, size - Number(last));
    return start < size ? { start, end: size } : "unsatisfiable";
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) return "unsatisfiable";
  return { start, end: last === "" ? size : Math.min(size, Number(last) + 1) };
}
