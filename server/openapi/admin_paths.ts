/**
 * Administration in the OpenAPI document.
 *
 * @module
 */
import { json, parameter, problems } from "./parts.ts";

const count = { type: "integer", minimum: 0 };
const time = { ...count, description: "Milliseconds since 1970." };

const STATUS_COUNTS = [
  "pid",
  "uptimeSeconds",
  "connections",
  "followers",
  "residentBytes",
  "heapBytes",
  "topics",
  "partitions",
  "segments",
  "records",
  "bytes",
];

const recovered = {
  type: "object",
  description: "What opening a partition cut off at its end, and where that is kept.",
  properties: {
    topic: { type: "string" },
    partition: count,
    bytes: count,
    path: { type: "string" },
  },
};

const status = {
  type: "object",
  required: ["version", "role", "kind", "canWrite", ...STATUS_COUNTS],
  properties: {
    version: { type: "string" },
    role: { enum: ["all", "ingest", "query"] },
    volumeId: { type: "string" },
    kind: { type: "string" },
    canWrite: { type: "boolean" },
    isStopping: { type: "boolean" },
    ...Object.fromEntries(STATUS_COUNTS.map((name) => [name, count])),
    recovered: { type: "array", items: recovered },
    failed: {
      type: "array",
      description: "Topics that cannot be measured, and why.",
      items: {
        type: "object",
        properties: { topic: { type: "string" }, reason: { type: "string" } },
      },
    },
  },
};

const segment = {
  type: "object",
  required: ["baseOffset", "nextOffset", "records", "bytes", "generation", "isSealed"],
  properties: {
    baseOffset: count,
    nextOffset: count,
    records: count,
    bytes: count,
    generation: { ...count, description: "How often compaction wrote it anew." },
    isSealed: { type: "boolean" },
    firstTimestampMs: time,
    maxTimestampMs: time,
  },
};

const config = {
  type: "object",
  required: ["version", "role", "settings", "limits"],
  properties: {
    version: { type: "string" },
    role: { enum: ["all", "ingest", "query"] },
    settings: {
      type: "array",
      items: {
        type: "object",
        required: ["key", "value", "from"],
        properties: {
          key: { type: "string" },
          value: { type: "string" },
          from: { type: "string", description: "Who said so: a flag, a variable, a file." },
        },
      },
    },
    limits: { type: "object", additionalProperties: { type: "number" } },
  },
};

const compacted = {
  type: "object",
  properties: {
    topics: {
      type: "array",
      items: {
        type: "object",
        properties: {
          topic: { type: "string" },
          segments: { ...count, description: "Written anew or removed." },
          skipped: count,
          records: { ...count, description: "Removed." },
          bytes: { type: "integer", description: "What the topic takes less." },
        },
      },
    },
  },
};

/** Paths for whoever runs the server. */
export const adminPaths: Record<string, Record<string, unknown>> = {
  "/v1/admin/status": {
    get: {
      tags: ["server"],
      operationId: "adminStatus",
      summary: "How the server is, in numbers.",
      responses: { "200": json("The server.", status), ...problems(401, 403) },
    },
  },
  "/v1/admin/config": {
    get: {
      tags: ["server"],
      operationId: "adminConfig",
      summary: "What the server was told, and by whom.",
      responses: { "200": json("All settings; nothing secret.", config), ...problems(401, 403) },
    },
  },
  "/v1/admin/segments/{topic}": {
    parameters: [parameter("topic")],
    get: {
      tags: ["server"],
      operationId: "adminSegments",
      summary: "The segments of a topic.",
      responses: {
        "200": json("By partition.", {
          type: "object",
          properties: {
            topic: { type: "string" },
            partitions: {
              type: "array",
              items: {
                type: "object",
                properties: { partition: count, segments: { type: "array", items: segment } },
              },
            },
          },
        }),
        ...problems(401, 403, 404, 501),
      },
    },
  },
  "/v1/admin/compact": {
    post: {
      tags: ["server"],
      operationId: "adminCompact",
      summary: "Compact topics, one after another.",
      description: "Those that are named, or all that are set to be compacted.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              additionalProperties: false,
              properties: {
                topics: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 1000 },
              },
            },
          },
        },
      },
      responses: {
        "200": json("What went, topic by topic.", compacted),
        ...problems(400, 401, 403, 404, 415),
      },
    },
  },
};
