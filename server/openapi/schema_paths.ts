/**
 * Schemas of topics in the OpenAPI document.
 *
 * @module
 */
import { COMPATIBILITIES } from "../schemas/compatibility.ts";
import { CHECKED_RECORDS_MAX } from "../schemas/limits.ts";
import { json, parameter, problems, schema } from "./parts.ts";

const tags = ["schemas"];
const pointer = { type: "string", description: "A JSON pointer." };
const version = { type: "integer", minimum: 1 };
const versions = {
  type: "array",
  items: {
    type: "object",
    required: ["version", "registeredAt"],
    properties: { version, registeredAt: { type: "string", format: "date-time" } },
  },
};
const topicSchemas = {
  topic: { type: "string" },
  compatibility: schema("Compatibility"),
  version: { ...version, description: "The latest version, which is in force." },
  versions,
};
const given = {
  schema: schema("JsonSchema"),
  compatibility: schema("Compatibility"),
};

/** Parameters of these paths. */
export const schemaParameters: Record<string, unknown> = {
  version: {
    name: "version",
    in: "path",
    required: true,
    description: "Its number, or `latest`.",
    schema: { type: "string", pattern: "^(latest|[1-9]\\d*)$" },
  },
};

/** What these paths take and give. */
export const schemaSchemas: Record<string, unknown> = {
  Compatibility: {
    enum: COMPATIBILITIES,
    description: "What a new version has to be for the one before it, or for all of them. " +
      "`backward`: it accepts what they accept. `forward`: they accept what it accepts.",
    default: "backward",
  },
  JsonSchema: {
    type: ["object", "boolean"],
    description: "JSON Schema of 2020-12, or of draft-07 where `$schema` says so.",
  },
  TopicSchemas: {
    type: "object",
    required: ["topic", "compatibility", "version", "versions"],
    properties: topicSchemas,
  },
  SchemaVersion: {
    type: "object",
    required: ["topic", "compatibility", "version", "registeredAt", "schema"],
    properties: {
      topic: { type: "string" },
      compatibility: schema("Compatibility"),
      version,
      registeredAt: { type: "string", format: "date-time" },
      schema: schema("JsonSchema"),
    },
  },
  Registered: {
    type: "object",
    required: ["topic", "version", "compatibility", "isNew"],
    properties: {
      topic: { type: "string" },
      version,
      compatibility: schema("Compatibility"),
      isNew: { type: "boolean", description: "Whether it was not the latest version already." },
    },
  },
  SchemaVerdict: {
    type: "object",
    required: ["topic", "version", "compatibility", "compatible", "reason", "records"],
    properties: {
      topic: { type: "string" },
      version: { ...version, description: "The version that it would have." },
      compatibility: schema("Compatibility"),
      compatible: { type: "boolean" },
      reason: { type: ["string", "null"], description: "Why it is not compatible." },
      records: {
        type: ["object", "null"],
        description: "What was found in the newest records, where that was asked for.",
        required: ["checked", "invalid", "newest"],
        properties: {
          checked: { type: "integer" },
          invalid: { type: "integer" },
          newest: {
            type: ["object", "null"],
            properties: {
              partition: { type: "integer" },
              offset: schema("Offset"),
              path: pointer,
              reason: { type: "string" },
            },
          },
        },
      },
    },
  },
};

/** Paths of schemas. */
export const schemaPaths: Record<string, Record<string, unknown>> = {
  "/v1/schemas": {
    get: {
      tags,
      operationId: "listSchemas",
      summary: "The topics that have a schema, by name.",
      responses: {
        "200": json("Those that the caller may read.", {
          type: "object",
          required: ["schemas"],
          properties: { schemas: { type: "array", items: schema("TopicSchemas") } },
        }),
        ...problems(400),
      },
    },
  },
  "/v1/schemas/{topic}": {
    parameters: [parameter("topic")],
    get: {
      tags,
      operationId: "describeSchema",
      summary: "The schema that is in force for a topic, and which versions there are.",
      responses: {
        "200": json("The schema.", {
          type: "object",
          required: ["topic", "compatibility", "version", "versions", "schema"],
          properties: { ...topicSchemas, schema: schema("JsonSchema") },
        }),
        ...problems(400, 404),
      },
    },
    post: {
      tags,
      operationId: "registerSchema",
      summary: "Make a schema the next version: records are checked against it from then on.",
      description: "409 is `incompatible`, with the `version` that it does not go together with, " +
        "the `direction`, and the `path` in the schema that refuses.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: { type: "object", required: ["schema"], properties: given },
          },
        },
      },
      responses: {
        "200": json("It is the latest version already.", schema("Registered")),
        "201": json("It is a new version.", schema("Registered")),
        ...problems(400, 403, 408, 409, 413, 507),
      },
    },
    delete: {
      tags,
      operationId: "removeSchema",
      summary: "Remove all versions: records are not checked any more.",
      responses: { "204": { description: "They are gone." }, ...problems(400, 403, 404, 507) },
    },
  },
  "/v1/schemas/{topic}/{version}": {
    parameters: [parameter("topic"), parameter("version")],
    get: {
      tags,
      operationId: "showSchema",
      summary: "One version of the schema of a topic.",
      responses: {
        "200": json("The version.", schema("SchemaVersion")),
        ...problems(400, 404),
      },
    },
  },
  "/v1/schemas/{topic}/check": {
    parameters: [parameter("topic")],
    post: {
      tags,
      operationId: "checkSchema",
      summary: "What would come of registering a schema: nothing is changed.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              required: ["schema"],
              properties: {
                ...given,
                records: {
                  type: "integer",
                  minimum: 1,
                  maximum: CHECKED_RECORDS_MAX,
                  description: "Look at so many of the newest records of each partition, too.",
                },
              },
            },
          },
        },
      },
      responses: {
        "200": json("Whether it is compatible.", schema("SchemaVerdict")),
        ...problems(400, 404, 408, 413),
      },
    },
  },
};
