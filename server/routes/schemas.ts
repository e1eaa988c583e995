/**
 * Schemas of topics: which there are, new versions, and what would come of one.
 *
 * @module
 */
import { z } from "zod";
import { onTopic, RECOGNIZED } from "../access/access.ts";
import { mayDo } from "../access/principal.ts";
import { jsonAnswer } from "../answers.ts";
import { checked } from "../checked.ts";
import type { Exchange, Route } from "../exchange.ts";
import { parseOffset } from "../query.ts";
import { COMPATIBILITIES } from "../schemas/compatibility.ts";
import { CHECKED_RECORDS_MAX, SCHEMA_BODY_BYTES_MAX } from "../schemas/limits.ts";
import type { SchemaRegistry } from "../schemas/schema_registry.ts";
import {
  type ShownRegistration,
  shownSchemas,
  shownVerdict,
  shownVersion,
} from "../schemas/shown_schemas.ts";

const PATH = "/v1/schemas/:topic";

/** What is only told of schemas: whoever writes has to know them as well as whoever reads. */
const TOLD = { access: onTopic("consume"), work: "either" } as const;

/** The routes of schemas. */
export const SCHEMA_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/schemas", access: RECOGNIZED, handle: list },
  { method: "GET", path: PATH, ...TOLD, handle: describe },
  { method: "POST", path: PATH, access: onTopic("admin"), handle: register },
  { method: "DELETE", path: PATH, access: onTopic("admin"), handle: remove },
  // It takes the server's time as a registration does.
  {
    method: "POST",
    path: `${PATH}/check`,
    access: onTopic("admin"),
    work: "either",
    handle: check,
  },
  { method: "GET", path: `${PATH}/:version`, ...TOLD, handle: show },
];

const given = z.strictObject({
  schema: z.union([z.record(z.string(), z.unknown()), z.boolean()], "a schema is needed"),
  compatibility: z.enum(COMPATIBILITIES).optional(),
});
const asked = given.extend({ records: z.int().min(1).max(CHECKED_RECORDS_MAX).optional() });

/** Those of topics that whoever asks may read. */
async function list(exchange: Exchange): Promise<Response> {
  exchange.query();
  const registry = await registryOf(exchange);
  const schemas = registry.list()
    .filter(([topic]) => mayDo(exchange.principal, "consume", topic))
    .map(([topic, schemas]) => shownSchemas(topic, schemas));
  return jsonAnswer({ schemas });
}

async function describe(exchange: Exchange): Promise<Response> {
  exchange.query();
  const registry = await registryOf(exchange);
  const { topic } = exchange;
  const { schema } = shownVersion(registry, topic);
  return jsonAnswer({ ...shownSchemas(topic, registry.get(topic)), schema });
}

async function show(exchange: Exchange): Promise<Response> {
  exchange.query();
  const registry = await registryOf(exchange);
  const version = exchange.segment(4);
  return jsonAnswer(
    shownVersion(
      registry,
      exchange.topic,
      version === "latest" ? undefined : parseOffset(version),
    ),
  );
}

/** 201 for a new version, 200 when it is the latest one already. */
async function register(exchange: Exchange): Promise<Response> {
  exchange.query();
  const body = checked(given, await exchange.settings(SCHEMA_BODY_BYTES_MAX), "the schema");
  const registry = await registryOf(exchange);
  const registered = await registry.register(exchange.topic, body);
  const shown: ShownRegistration = { topic: exchange.topic, ...registered };
  return jsonAnswer(shown, { status: registered.isNew ? 201 : 200 });
}

async function remove(exchange: Exchange): Promise<Response> {
  exchange.query();
  const registry = await registryOf(exchange);
  await registry.remove(exchange.topic);
  return new Response(null, { status: 204 });
}

/** Changes nothing. */
async function check(exchange: Exchange): Promise<Response> {
  exchange.query();
  const body = checked(asked, await exchange.settings(SCHEMA_BODY_BYTES_MAX), "the schema");
  const registry = await registryOf(exchange);
  const { topic, backend } = exchange;
  return jsonAnswer(await shownVerdict(registry, topic, { given: body, backend }));
}

async function registryOf({ tenant }: Exchange): Promise<SchemaRegistry> {
  await tenant.schemas.open();
  return tenant.schemas;
}
