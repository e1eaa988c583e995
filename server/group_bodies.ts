/**
 * Bodies of requests about consumer groups.
 *
 * @module
 */
import { z } from "zod";
import { GROUP_TOPICS_MAX, PARTITIONS_MAX } from "../core/base/limits.ts";
import { checked } from "./checked.ts";
import type { Exchange } from "./exchange.ts";
import { GROUP_BODY_BYTES_MAX, GROUP_PLACES_MAX, WAIT_MS_MAX } from "./limits.ts";

const whole = z.int().nonnegative();
const member = z.string();
const place = { topic: z.string(), partition: whole.max(PARTITIONS_MAX - 1) };

/** How a group is joined. What is wrong with the values, the coordinator says. */
export const joinBody = z.strictObject({
  member: member.optional(),
  topics: z.array(z.string()).max(GROUP_TOPICS_MAX),
  from: z.enum(["start", "end"]).optional(),
  leaseMs: whole.optional(),
  handoverMs: whole.optional(),
});

/** What a member says of itself. */
export const heartbeatBody = z.strictObject({
  member,
  generation: whole,
  holds: z.array(z.strictObject(place)).max(GROUP_PLACES_MAX),
  waitMs: whole.max(WAIT_MS_MAX).optional(),
});

/** Who leaves. */
export const leaveBody = z.strictObject({ member });

/** What is done. */
export const commitBody = z.strictObject({
  member,
  offsets: z.array(z.strictObject({
    ...place,
    offset: whole,
    since: whole,
    metadata: z.string().optional(),
  })).max(GROUP_PLACES_MAX),
});

/** Where a group goes. */
export const seekBody = z.strictObject({
  topic: place.topic,
  partition: place.partition.optional(),
  to: z.union([z.string(), whole.transform(String)]),
  force: z.boolean().optional(),
});

/** A body that is checked. @throws {SeglogError} `invalid-argument` */
export async function groupBody<Type>(
  exchange: Exchange,
  schema: z.ZodType<Type>,
): Promise<Type> {
  exchange.query();
  const body = await exchange.settings(GROUP_BODY_BYTES_MAX);
  return checked(schema, body, "the body");
}
