/**
 * Bodies that are checked against what they should be.
 *
 * @module
 */
import type { z } from "zod";
import { SeglogError } from "../core/base/errors.ts";

/**
 * A value of the type that a schema describes.
 *
 * @param what is read, as in "Cannot read the token"
 * @throws {SeglogError} `invalid-argument`, with the `member` that is wrong in its details
 */
export function checked<Type>(schema: z.ZodType<Type>, value: unknown, what: string): Type {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const member = path.map(String).join(".");
  const where = member === "" ? "" : ` at ${JSON.stringify(member.slice(0, 80))}`;
  throw new SeglogError(
    "invalid-argument",
    `Cannot read ${what}${where}: ${message.slice(0, 200)}`,
    { details: { member } },
  );
}
