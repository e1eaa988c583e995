/**
 * Consumer groups: members that share partitions, what they committed, and how much is left.
 *
 * Who may consume a topic may join a group for it, commit, and move the group in it: as a member he
 * could do the same by reading on. What a group does with other topics is not shown.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { GroupDetails, GroupSummary } from "../../core/group_contract.ts";
import { noGroup } from "../../core/groups/group_checks.ts";
import { shapeGroup } from "../../core/groups/group_shape.ts";
import { RECOGNIZED } from "../access/access.ts";
import { demand, mayDo, type Principal, refusal } from "../access/principal.ts";
import { jsonAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import {
  commitBody,
  groupBody,
  heartbeatBody,
  joinBody,
  leaveBody,
  seekBody,
} from "../group_bodies.ts";
import { patience } from "../patience.ts";

const GROUP = "/v1/groups/:group";

/** The routes of groups. The topics that a request is about are in its body, or in the group. */
export const GROUP_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/groups", access: RECOGNIZED, handle: list },
  { method: "GET", path: GROUP, access: RECOGNIZED, handle: describe },
  { method: "DELETE", path: GROUP, access: RECOGNIZED, isAudited: true, handle: remove },
  { method: "POST", path: `${GROUP}/join`, access: RECOGNIZED, handle: join },
  { method: "POST", path: `${GROUP}/heartbeat`, access: RECOGNIZED, handle: heartbeat },
  { method: "POST", path: `${GROUP}/leave`, access: RECOGNIZED, handle: leave },
  { method: "POST", path: `${GROUP}/commit`, access: RECOGNIZED, handle: commit },
  { method: "POST", path: `${GROUP}/seek`, access: RECOGNIZED, isAudited: true, handle: seek },
];

async function list(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { tenant, principal } = exchange;
  const summaries: GroupSummary[] = [];
  for (const summary of await tenant.groups.list()) {
    if (summary.topics.every((topic) => mayDo(principal, "consume", topic))) {
      summaries.push(summary);
      continue;
    }
    // What of it is shown is counted anew.
    const details = shown(principal, await tenant.groups.describe(summary.group));
    if (details === undefined) continue;
    const { partitions } = details;
    summaries.push({
      ...summary,
      topics: [...new Set(partitions.map(({ topic }) => topic))],
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    });
  }
  return jsonAnswer({ groups: summaries });
}

async function describe(exchange: Exchange): Promise<Response> {
  exchange.query();
  const { group, principal, tenant } = exchange;
  const details = shown(principal, await tenant.groups.describe(group));
  if (details === undefined) throw noGroup(group);
  return jsonAnswer(shapeGroup(details));
}

async function remove(exchange: Exchange): Promise<Response> {
  const force = exchange.query("force").flag("force");
  const { group, principal, tenant } = exchange;
  const details = await tenant.groups.describe(group);
  const visible = shown(principal, details);
  if (visible === undefined) throw noGroup(group);
  if (visible.partitions.length < details.partitions.length) {
    throw refusal(principal, `consume on all topics of the group "${group}"`);
  }
  await tenant.groups.remove(group, { force });
  return new Response(null, { status: 204 });
}

async function join(exchange: Exchange): Promise<Response> {
  const request = await groupBody(exchange, joinBody);
  const { group, principal, tenant } = exchange;
  for (const topic of request.topics) demand(principal, "consume", topic);
  const member = request.member ?? randomBytes(8).toString("hex");
  const membership = await tenant.groups.join(group, { ...request, member, ...by(principal) });
  return jsonAnswer(membership);
}

/** Answers when something has changed, the time is over, or the server stops. */
async function heartbeat(exchange: Exchange): Promise<Response> {
  const request = await groupBody(exchange, heartbeatBody);
  const { group, principal, tenant, services } = exchange;
  const waiting = patience([exchange.request.signal, services.stopping, exchange.visitor.ended]);
  try {
    const { signal } = waiting;
    return jsonAnswer(
      await tenant.groups.heartbeat(group, { ...request, signal, ...by(principal) }),
    );
  } finally {
    waiting.release();
  }
}

async function leave(exchange: Exchange): Promise<Response> {
  const { member } = await groupBody(exchange, leaveBody);
  await exchange.tenant.groups.leave(exchange.group, { member, ...by(exchange.principal) });
  return new Response(null, { status: 204 });
}

async function commit(exchange: Exchange): Promise<Response> {
  const request = await groupBody(exchange, commitBody);
  const { group, principal, tenant } = exchange;
  for (const topic of new Set(request.offsets.map(({ topic }) => topic))) {
    demand(principal, "consume", topic);
  }
  const offsets = await tenant.groups.commit(group, { ...request, ...by(principal) });
  return jsonAnswer({ group, offsets });
}

async function seek(exchange: Exchange): Promise<Response> {
  const request = await groupBody(exchange, seekBody);
  const { group, principal, tenant } = exchange;
  demand(principal, "consume", request.topic);
  return jsonAnswer({ group, offsets: await tenant.groups.seek(group, request) });
}

/** A group as somebody may see it; `undefined` when it is all about topics that are not theirs. */
function shown(principal: Principal, details: GroupDetails): GroupDetails | undefined {
  const isTheirs = (topic: string) => mayDo(principal, "consume", topic);
  const partitions = details.partitions.filter(({ topic }) => isTheirs(topic));
  if (partitions.length === 0 && details.partitions.length > 0) return undefined;
  const members = details.members
    .map((member) => ({ ...member, topics: member.topics.filter(isTheirs) }))
    .filter(({ topics }) => topics.length > 0);
  return { ...details, partitions, members };
}

/** Whoever has shown credentials speaks for the members that joined with them, and nobody else does. */
function by({ isKnown, name }: Principal): { readonly principal?: string } {
  return isKnown ? { principal: name } : {};
}
