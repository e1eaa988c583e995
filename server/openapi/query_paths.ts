/**
 * Queries in the OpenAPI document.
 *
 * @module
 */
import {
  QUERY_MS_DEFAULT,
  QUERY_MS_MAX,
  QUERY_ROWS_DEFAULT,
  QUERY_ROWS_MAX,
} from "../query/limits.ts";
import { json, parameter, problems, query, schema } from "./parts.ts";

const tags = ["queries"];

const value = {
  type: ["string", "number", "boolean", "null", "object"],
  description: 'A blob is `{"base64":"…"}`.',
};
const path = { type: "string", examples: ["$.user.id"] };

/** Schemas by name. */
export const querySchemas: Record<string, unknown> = {
  Query: {
    type: "object",
    required: ["sql"],
    additionalProperties: false,
    properties: {
      sql: {
        type: "string",
        description:
          "One statement that reads. A topic is a table, its name in double quotes where " +
          "it is no plain word, with the columns partition, offset, timestamp, time, key, type, " +
          "value, json, headers.",
        examples: ["select key, count(*) from orders where value ->> '$.qty' > ? group by key"],
      },
      params: {
        description: "What `?` stands for, in order; or what `:name` stands for.",
        oneOf: [
          { type: "array", items: value },
          { type: "object", additionalProperties: value },
        ],
      },
      limit: {
        type: "integer",
        minimum: 1,
        maximum: QUERY_ROWS_MAX,
        description: `Most rows; ${QUERY_ROWS_DEFAULT} unless given, and all in NDJSON.`,
      },
      timeoutMs: {
        type: "integer",
        minimum: 1,
        maximum: QUERY_MS_MAX,
        default: QUERY_MS_DEFAULT,
      },
      minOffsets: {
        type: "object",
        description:
          "By topic and partition, an offset that the end has to pass first, as `offsets` of an " +
          "answer has them. 503 `unavailable` when that does not come within `timeoutMs`.",
        additionalProperties: { type: "object", additionalProperties: schema("Offset") },
      },
      explain: {
        type: "boolean",
        default: false,
        description: "Answer with SQLite's plan, and do not run it.",
      },
    },
  },
  QueryRows: {
    type: "object",
    required: ["columns", "rows", "truncated", "tookMs", "offsets"],
    properties: {
      columns: { type: "array", items: { type: "string" } },
      rows: {
        type: "array",
        items: { type: "array", items: value },
        description: "Integers have up to 64 bits, and all their digits.",
      },
      truncated: { type: "boolean", description: "Whether there are more rows." },
      tookMs: { type: "number" },
      offsets: {
        type: "object",
        description: "By topic and partition, the offset behind the last record that is seen.",
        additionalProperties: { type: "object", additionalProperties: schema("Offset") },
      },
    },
  },
  QueryIndexes: {
    type: "object",
    required: ["topic", "indexes"],
    properties: { topic: { type: "string" }, indexes: { type: "array", items: path } },
  },
};

/** Parameters by name. */
export const queryParameters: Record<string, unknown> = {
  indexPath: {
    ...query("path", "The path of the index.", path),
    required: true,
  },
};

/** Paths of queries. */
export const queryPaths: Record<string, Record<string, unknown>> = {
  "/v1/query": {
    post: {
      tags,
      operationId: "query",
      summary: "Filter, group and count records, by SQL.",
      description:
        "By `Accept`: a JSON object, or NDJSON with an object for each row. All topics " +
        "are read as they are at the time of the request. 503 with `done` and `total` while the " +
        "view of a topic is being made: it goes on, try again.",
      requestBody: {
        required: true,
        content: { "application/json": { schema: schema("Query") } },
      },
      responses: {
        "200": {
          description: "The rows.",
          content: {
            "application/json": { schema: schema("QueryRows") },
            "application/x-ndjson": { schema: { type: "string" } },
          },
        },
        ...problems(400, 404, 406, 408, 413, 415),
      },
    },
  },
  "/v1/topics/{topic}/indexes": {
    parameters: [parameter("topic")],
    get: {
      tags,
      operationId: "listIndexes",
      summary: "What queries can look up, beside offset, key and timestamp.",
      responses: { "200": json("The paths.", schema("QueryIndexes")), ...problems(400, 404) },
    },
    post: {
      tags,
      operationId: "addIndex",
      summary: "Index the values of a topic by a path into them.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: { type: "object", required: ["path"], properties: { path } },
          },
        },
      },
      responses: {
        "200": json("All paths.", schema("QueryIndexes")),
        ...problems(400, 404, 408, 413, 415),
      },
    },
    delete: {
      tags,
      operationId: "removeIndex",
      summary: "Take an index away.",
      parameters: [parameter("indexPath")],
      responses: {
        "200": json("The paths that are left.", schema("QueryIndexes")),
        ...problems(400, 404),
      },
    },
  },
};
