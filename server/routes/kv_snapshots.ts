/**
 * Snapshots of buckets that clients hold: taken, looked at, held for longer, given up.
 *
 * @module
 */
import { onTopic } from "../access/access.ts";
import { jsonAnswer } from "../answers.ts";
import { utf8Text } from "../append_json.ts";
import type { Exchange, Route } from "../exchange.ts";
import type { HeldSnapshot } from "../held_snapshots.ts";
import { JsonMembers } from "../json_members.ts";
import { SETTINGS_BYTES_MAX, SNAPSHOT_TTL_MS_DEFAULT, SNAPSHOT_TTL_MS_MAX } from "../limits.ts";
import { pathBucket } from "../path_key.ts";

const PATH = "/v1/kv/:bucket/snapshots";

/** The routes of snapshots. */
export const KV_SNAPSHOT_ROUTES: readonly Route[] = [
  { method: "POST", path: PATH, access: onTopic("consume"), handle: take },
  { method: "GET", path: `${PATH}/:snapshot`, access: onTopic("consume"), handle: look },
  { method: "POST", path: `${PATH}/:snapshot`, access: onTopic("consume"), handle: renew },
  { method: "DELETE", path: `${PATH}/:snapshot`, access: onTopic("consume"), handle: drop },
];

async function take(exchange: Exchange): Promise<Response> {
  const { buckets, snapshots } = exchange.tenant;
  const ttlMs = await askedTtl(exchange) ?? SNAPSHOT_TTL_MS_DEFAULT;
  const held = await buckets.hold(pathBucket(exchange), { create: false });
  let snapshot: HeldSnapshot;
  try {
    await held.kv.catchUp();
    snapshot = snapshots.take(held, ttlMs);
  } catch (error) {
    held.release();
    throw error;
  }
  const location = `/v1/kv/${exchange.rest(3)}/${snapshot.id}`;
  return jsonAnswer(told(snapshot), { status: 201, headers: { location } });
}

function look(exchange: Exchange): Response {
  exchange.query();
  const { bucket, id } = placeOf(exchange);
  return jsonAnswer(told(exchange.tenant.snapshots.find(bucket, id)));
}

async function renew(exchange: Exchange): Promise<Response> {
  const { bucket, id } = placeOf(exchange);
  const ttlMs = await askedTtl(exchange);
  return jsonAnswer(told(exchange.tenant.snapshots.renew(bucket, id, ttlMs)));
}

function drop(exchange: Exchange): Response {
  exchange.query();
  const { bucket, id } = placeOf(exchange);
  exchange.tenant.snapshots.drop(bucket, id);
  return new Response(null, { status: 204 });
}

function placeOf(exchange: Exchange): { bucket: string; id: string } {
  return { bucket: pathBucket(exchange), id: exchange.segment(5) };
}

/** The time that a body asks for; `undefined` where it is empty, or says nothing. */
async function askedTtl(exchange: Exchange): Promise<number | undefined> {
  exchange.query();
  return await exchange.body(SETTINGS_BYTES_MAX, (body) => {
    if (body.length === 0) return undefined;
    return JsonMembers.parse(utf8Text(body)).only("ttlMs")
      .maybeWhole("ttlMs", 1, SNAPSHOT_TTL_MS_MAX);
  });
}

function told({ id, bucket, revision, expiresAt }: HeldSnapshot): unknown {
  return { id, bucket, revision, expiresAt: new Date(expiresAt).toISOString() };
}
