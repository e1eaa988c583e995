/**
 * What whoever runs a server asks of it: how it is, what it was told, what its segments are; and
 * compaction of many topics.
 *
 * @module
 */
import { z } from "zod";
import type { CompactResult } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { OPERATOR } from "../access/access.ts";
import { jsonAnswer } from "../answers.ts";
import { checked } from "../checked.ts";
import type { Exchange, Route } from "../exchange.ts";
import { COMPACT_BODY_BYTES_MAX, COMPACT_TOPICS_MAX } from "../limits.ts";
import { contentTypeOf, JSON_TYPE, unsupportedType } from "../media_types.ts";
import { demandRole } from "../roles.ts";
import { serverStatus } from "../status.ts";

/** The routes of administration. All roles have them. */
export const ADMIN_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/admin/status", access: OPERATOR, handle: status },
  { method: "GET", path: "/v1/admin/config", access: OPERATOR, handle: config },
  { method: "GET", path: "/v1/admin/segments/:topic", access: OPERATOR, handle: segments },
  { method: "POST", path: "/v1/admin/compact", access: OPERATOR, handle: compact },
];

const CompactBody = z.strictObject({
  topics: z.array(z.string()).min(1).max(COMPACT_TOPICS_MAX).optional(),
});

async function status({ services }: Exchange): Promise<Response> {
  return jsonAnswer(await serverStatus(services));
}

function config({ services: { settings, limits, role, version } }: Exchange): Response {
  return jsonAnswer({ version, role, settings, limits });
}

async function segments(exchange: Exchange): Promise<Response> {
  const { backend } = exchange;
  const topic = exchange.topicAt(4);
  if (backend.segments === undefined) {
    throw new SeglogError(
      "unsupported",
      `Cannot tell of the segments of "${topic}": what this server serves has none to tell of`,
    );
  }
  return jsonAnswer({ topic, partitions: await backend.segments(topic) });
}

/** One topic after another: those that are named, or all that are set to be compacted. */
async function compact(exchange: Exchange): Promise<Response> {
  const { backend, services, request } = exchange;
  demandRole(services.role, "write");
  const type = contentTypeOf(request);
  if (type !== JSON_TYPE) throw unsupportedType(type, [JSON_TYPE]);
  const body = await exchange.settings(COMPACT_BODY_BYTES_MAX);
  const named = checked(CompactBody, body ?? {}, "what to compact").topics;
  const signal = AbortSignal.any([services.stopping, request.signal]);
  const results: CompactResult[] = [];
  for (const topic of named ?? await compactedTopics(exchange)) {
    results.push(await backend.compact(topic, { signal }));
  }
  return jsonAnswer({ topics: results });
}

async function compactedTopics({ backend }: Exchange): Promise<string[]> {
  const topics = await backend.listTopics();
  return topics.filter(({ config }) => config.compaction === "keys").map(({ name }) => name);
}
