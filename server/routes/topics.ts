/**
 * Topics: list, describe, ensure, configure, delete.
 *
 * @module
 */
import { onTopic, RECOGNIZED } from "../access/access.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { parseTopicConfig } from "../../core/topic_config.ts";
import { jsonAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { SETTINGS_BYTES_MAX } from "../limits.ts";

/** The routes of topics. */
export const TOPIC_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/topics", access: RECOGNIZED, handle: listTopics },
  { method: "GET", path: "/v1/topics/:topic", access: RECOGNIZED, handle: describeTopic },
  { method: "PUT", path: "/v1/topics/:topic", access: onTopic("admin"), handle: ensureTopic },
  { method: "PATCH", path: "/v1/topics/:topic", access: onTopic("admin"), handle: configureTopic },
  { method: "DELETE", path: "/v1/topics/:topic", access: onTopic("admin"), handle: deleteTopic },
];

async function listTopics({ backend }: Exchange): Promise<Response> {
  return jsonAnswer({ topics: await backend.listTopics() });
}

async function describeTopic({ backend, topic }: Exchange): Promise<Response> {
  return jsonAnswer(await backend.describeTopic(topic));
}

/** 201 for a new topic, 200 for one that is there with these settings, 409 with others. */
async function ensureTopic(exchange: Exchange): Promise<Response> {
  const settings = await exchange.settings(SETTINGS_BYTES_MAX);
  const config = settings === undefined ? undefined : parseTopicConfig(settings);
  const { created, topic } = await exchange.backend.ensureTopic(exchange.topic, config);
  return jsonAnswer(topic, { status: created ? 201 : 200 });
}

async function configureTopic(exchange: Exchange): Promise<Response> {
  const settings = await exchange.settings(SETTINGS_BYTES_MAX);
  if (settings === undefined) {
    throw new SeglogError(
      "invalid-argument",
      'Cannot configure a topic with an empty body: give settings such as {"retentionMs":86400000}',
    );
  }
  const { backend, topic } = exchange;
  return jsonAnswer(await backend.configureTopic(topic, parseTopicConfig(settings)));
}

async function deleteTopic({ backend, topic }: Exchange): Promise<Response> {
  await backend.deleteTopic(topic);
  return new Response(null, { status: 204 });
}
