/**
 * Routes of webhooks.
 *
 * @module
 */
import { z } from "zod";
import { SeglogError } from "../../core/base/errors.ts";
import { PARTITIONS_MAX } from "../../core/base/limits.ts";
import { type Access, RECOGNIZED } from "../access/access.ts";
import { administersAll, demand, mayDo, type Principal, refusal } from "../access/principal.ts";
import { jsonAnswer } from "../answers.ts";
import { checked } from "../checked.ts";
import type { Exchange, Handler, Route } from "../exchange.ts";
import { SETTINGS_BYTES_MAX, WEBHOOK_SETTINGS_BYTES_MAX } from "../limits.ts";
import { WEBHOOK_NAME, webhookBody } from "../webhooks/webhook.ts";

/**
 * All of a topic goes out by its webhooks: they are for whoever has `admin` on it. Which topic that is,
 * is known when the webhook is; so it is asked there.
 */
const OF_ITS_TOPIC: Access = { kind: "admin", demand: RECOGNIZED.demand };

/** All that have to do with webhooks. */
export const WEBHOOK_ROUTES: readonly Route[] = [
  route("GET", "", { access: RECOGNIZED, handle: list }),
  route("GET", "/:webhook", { access: RECOGNIZED, handle: onWebhook(show) }),
  route("PUT", "/:webhook", { access: OF_ITS_TOPIC, handle: put }),
  route("DELETE", "/:webhook", { access: OF_ITS_TOPIC, handle: onWebhook(remove) }),
  route("POST", "/:webhook/pause", { access: OF_ITS_TOPIC, handle: onWebhook(pause) }),
  route("POST", "/:webhook/resume", { access: OF_ITS_TOPIC, handle: onWebhook(resume) }),
  route("POST", "/:webhook/test", { access: OF_ITS_TOPIC, handle: onWebhook(test) }),
];

/** Only the server that writes knows how deliveries go. */
function route(
  method: Route["method"],
  path: string,
  rest: Pick<Route, "access" | "handle">,
): Route {
  return { method, path: `/v1/webhooks${path}`, work: "write", ...rest };
}

const resumeBody = z.strictObject({
  from: z.union([z.string(), z.int().min(0)]).optional(),
  partition: z.int().min(0).max(PARTITIONS_MAX - 1).optional(),
});
const emptyBody = z.strictObject({});

/** Those of topics that the caller may administer. */
async function list({ principal, tenant: { webhooks } }: Exchange): Promise<Response> {
  const all = await webhooks.list();
  return jsonAnswer({ webhooks: all.filter(({ topic }) => mayDo(principal, "admin", topic)) });
}

/** The secret is told where the server made it, and never again. */
async function put(exchange: Exchange): Promise<Response> {
  const { principal, tenant: { webhooks } } = exchange;
  const name = nameOf(exchange);
  const body = checked(
    webhookBody,
    await exchange.settings(WEBHOOK_SETTINGS_BYTES_MAX),
    "the webhook",
  );
  demand(principal, "admin", body.topic);
  const before = await webhooks.topicOf(name);
  if (before !== null) demandWebhook(principal, before);
  const { webhook, isNew, ...secret } = await webhooks.put(name, body);
  return jsonAnswer({ ...webhook, ...secret }, { status: isNew ? 201 : 200 });
}

async function show({ tenant }: Exchange, name: string): Promise<Response> {
  return jsonAnswer(await tenant.webhooks.get(name));
}

async function remove({ tenant }: Exchange, name: string): Promise<Response> {
  await tenant.webhooks.remove(name);
  return new Response(null, { status: 204 });
}

async function pause(exchange: Exchange, name: string): Promise<Response> {
  await noSettings(exchange);
  return jsonAnswer(await exchange.tenant.webhooks.pause(name));
}

async function resume(exchange: Exchange, name: string): Promise<Response> {
  const body = await exchange.settings(SETTINGS_BYTES_MAX) ?? {};
  const options = checked(resumeBody, body, "where to resume");
  return jsonAnswer(await exchange.tenant.webhooks.resume(name, options));
}

async function test(exchange: Exchange, name: string): Promise<Response> {
  await noSettings(exchange);
  const { isDelivered, ...result } = await exchange.tenant.webhooks.test(name);
  return jsonAnswer({ delivered: isDelivered, ...result });
}

async function noSettings(exchange: Exchange): Promise<void> {
  checked(emptyBody, await exchange.settings(SETTINGS_BYTES_MAX) ?? {}, "the body");
}

/** Does something with the webhook of the path, for a caller that may administer its topic. */
function onWebhook(
  handle: (exchange: Exchange, name: string) => Promise<Response>,
): Handler {
  return async (exchange) => {
    exchange.query();
    const name = nameOf(exchange);
    const { principal, tenant: { webhooks } } = exchange;
    const topic = await webhooks.topicOf(name);
    demandWebhook(principal, topic);
    return await handle(exchange, name);
  };
}

/**
 * Refuses whoever may not administer the topic of a webhook, and does not say which that is. That there
 * is none of a name only those learn who administer all.
 */
function demandWebhook(principal: Principal, topic: string | null): void {
  const isTheirs = topic === null ? administersAll(principal) : mayDo(principal, "admin", topic);
  if (!isTheirs) throw refusal(principal, "admin on the webhook's topic");
}

/** @throws {SeglogError} `invalid-argument` */
function nameOf(exchange: Exchange): string {
  const name = exchange.segment(3);
  if (WEBHOOK_NAME.test(name)) return name;
  throw new SeglogError(
    "invalid-argument",
    `Cannot call a webhook ${
      JSON.stringify(name.slice(0, 80))
    }: its name has 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit`,
  );
}
