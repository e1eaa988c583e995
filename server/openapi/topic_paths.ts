/**
 * Topics and partitions in the OpenAPI document.
 *
 * @module
 */
import { json, parameter, problems, schema } from "./parts.ts";

const settingsBody = {
  content: { "application/json": { schema: schema("TopicConfig") } },
};
const topicParameter = [parameter("topic")];

/** Paths of topics and of the ends of their partitions. */
export const topicPaths: Record<string, Record<string, unknown>> = {
  "/v1/topics": {
    get: {
      tags: ["topics"],
      operationId: "listTopics",
      summary: "All topics by name.",
      responses: {
        "200": json("The topics.", {
          type: "object",
          required: ["topics"],
          properties: { topics: { type: "array", items: schema("Topic") } },
        }),
        ...problems(),
      },
    },
  },
  "/v1/topics/{topic}": {
    parameters: topicParameter,
    get: {
      tags: ["topics"],
      operationId: "describeTopic",
      summary: "One topic with its partitions measured.",
      responses: { "200": json("The topic.", schema("TopicDetails")), ...problems(400, 404) },
    },
    put: {
      tags: ["topics"],
      operationId: "ensureTopic",
      summary: "Make a topic, or find that it is there.",
      requestBody: { required: false, ...settingsBody },
      responses: {
        "200": json("It is there already, with these settings.", schema("Topic")),
        "201": json("It was made.", schema("Topic")),
        ...problems(400, 403, 408, 409, 413),
      },
    },
    patch: {
      tags: ["topics"],
      operationId: "configureTopic",
      summary: "Change settings, all but the number of partitions.",
      requestBody: { required: true, ...settingsBody },
      responses: {
        "200": json("The topic as it is now.", schema("Topic")),
        ...problems(400, 403, 404, 408, 413),
      },
    },
    delete: {
      tags: ["topics"],
      operationId: "deleteTopic",
      summary: "Remove a topic with all its records.",
      responses: { "204": { description: "It is gone." }, ...problems(400, 403, 404) },
    },
  },
  "/v1/topics/{topic}/bounds": {
    parameters: [...topicParameter, parameter("partition")],
    get: {
      tags: ["partitions"],
      operationId: "bounds",
      summary: "Where a partition starts and ends.",
      responses: { "200": json("Its bounds.", schema("Bounds")), ...problems(400, 404) },
    },
  },
  "/v1/topics/{topic}/offset": {
    parameters: [...topicParameter, parameter("partition"), {
      name: "time",
      in: "query",
      required: true,
      description: "ISO 8601, milliseconds since 1970, or a time ago such as `-1h`.",
      schema: { type: "string", examples: ["-1h", "2026-11-20T12:00:00Z", "1763640000000"] },
    }],
    get: {
      tags: ["partitions"],
      operationId: "offsetAt",
      summary: "The first record that is as old as a time or younger; the end if none is.",
      responses: {
        "200": json("Its offset.", {
          type: "object",
          required: ["topic", "partition", "offset"],
          properties: {
            topic: { type: "string" },
            partition: { type: "integer" },
            offset: schema("Offset"),
          },
        }),
        ...problems(400, 404),
      },
    },
  },
  "/v1/topics/{topic}/truncate": {
    parameters: topicParameter,
    post: {
      tags: ["partitions"],
      operationId: "truncate",
      summary: "Remove all records below an offset, or all from one on.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              additionalProperties: false,
              properties: {
                before: { ...schema("Offset"), description: "Becomes the first readable offset." },
                after: { ...schema("Offset"), description: "The last record that stays." },
                partition: { type: "integer", minimum: 0, default: 0 },
              },
              oneOf: [{ required: ["before"] }, { required: ["after"] }],
            },
          },
        },
      },
      responses: {
        "200": json("The bounds after it.", schema("Bounds")),
        ...problems(400, 403, 404, 408, 410, 413, 415, 416, 501),
      },
    },
  },
  "/v1/topics/{topic}/compact": {
    parameters: topicParameter,
    post: {
      tags: ["partitions"],
      operationId: "compact",
      summary: "Remove each record that a later one with the same key replaces.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              additionalProperties: false,
              properties: {
                partition: { type: "integer", minimum: 0, description: "All unless given." },
              },
            },
          },
        },
      },
      responses: {
        "200": json("What it did, when it is done.", {
          type: "object",
          required: ["topic", "segments", "skipped", "records", "bytes"],
          properties: {
            topic: { type: "string" },
            segments: { type: "integer", description: "Written anew, or removed." },
            skipped: { type: "integer", description: "Left as they were." },
            records: { type: "integer", description: "Removed." },
            bytes: { type: "integer", description: "That the topic takes less." },
          },
        }),
        ...problems(400, 403, 404, 408, 412, 413, 415, 500, 503, 507),
      },
    },
  },
  "/v1/topics/{topic}/flush": {
    parameters: topicParameter,
    post: {
      tags: ["partitions"],
      operationId: "flush",
      summary: "Make everything that was acknowledged survive a loss of power.",
      responses: { "204": { description: "It does now." }, ...problems(400, 404) },
    },
  },
};
