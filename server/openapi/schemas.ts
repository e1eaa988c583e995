/**
 * The shapes of the OpenAPI document, as JSON Schema.
 *
 * @module
 */
import { schema } from "./parts.ts";

const offset = schema("Offset");
const limit = { type: ["integer", "null"], minimum: 1, description: "`null` is without limit." };

/** Schemas by name. */
export const schemas: Record<string, unknown> = {
  Offset: {
    type: "integer",
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "A record's place in its partition.",
  },
  Position: {
    type: "string",
    description:
      "`42`, `start`, `end`, `-10` (ten before the end), or `@` and a time: ISO 8601, milliseconds " +
      "since 1970, or a time ago such as `@-1h`.",
    examples: ["42", "start", "end", "-10", "@2026-11-20T00:00Z", "@-1h"],
  },
  Record: {
    type: "object",
    required: ["value"],
    additionalProperties: false,
    description: "A record. When it is appended, everything but `value` may be left out.",
    properties: {
      topic: { type: "string", description: "Not looked at in an append." },
      partition: { type: "integer", minimum: 0 },
      offset: { ...offset, description: "Not looked at in an append." },
      timestamp: {
        type: ["string", "integer"],
        description: "ISO 8601; in an append milliseconds since 1970 will do, too.",
      },
      key: { type: ["string", "null"] },
      keyBase64: { type: "string", contentEncoding: "base64", description: "A key of bytes." },
      type: { enum: ["json", "text", "bytes"], description: "What `value` is." },
      value: {
        description: "Any JSON value, kept byte for byte; text; base64; `null` is a tombstone.",
      },
      headers: { type: "object", additionalProperties: { type: "string" }, maxProperties: 64 },
    },
    examples: [{
      topic: "orders",
      partition: 0,
      offset: 41,
      timestamp: "2026-11-20T12:00:00.000Z",
      key: "u1",
      type: "json",
      value: { qty: 2 },
      headers: { trace: "a1" },
    }],
  },
  RecordPage: {
    type: "object",
    required: [
      "topic",
      "partition",
      "records",
      "next",
      "logStartOffset",
      "durableOffset",
      "nextOffset",
    ],
    properties: {
      topic: { type: "string" },
      partition: { type: "integer" },
      records: { type: "array", items: schema("Record") },
      next: { ...offset, description: "`from` of the next page; `until` in reverse." },
      ...boundsProperties(),
    },
  },
  Bounds: {
    type: "object",
    required: ["topic", "partition", "logStartOffset", "durableOffset", "nextOffset"],
    properties: {
      topic: { type: "string" },
      partition: { type: "integer" },
      ...boundsProperties(),
    },
  },
  Appended: {
    type: "object",
    required: ["partition", "start", "end", "durable"],
    description: "Where records went: offsets `[start, end)`.",
    properties: {
      topic: { type: "string" },
      partition: { type: "integer" },
      start: offset,
      end: offset,
      durable: { type: "boolean", description: "Whether they survive a loss of power already." },
      records: {
        type: "integer",
        description: "Of a streamed body: how many of these offsets are its records'.",
      },
    },
  },
  AppendedToSeveral: {
    type: "object",
    required: ["topic", "partitions"],
    properties: {
      topic: { type: "string" },
      partitions: { type: "array", items: schema("Appended") },
    },
  },
  TopicConfig: {
    type: "object",
    additionalProperties: false,
    properties: {
      partitions: { type: "integer", minimum: 1, maximum: 1024 },
      segmentBytes: { type: "integer", minimum: 4096 },
      segmentAgeMs: { type: "integer", minimum: 1 },
      retentionMs: limit,
      retentionBytes: limit,
      retentionRecords: limit,
      sync: { type: "string", examples: ["always", "interval:200ms", "os"] },
      compression: { enum: ["none", "gzip", "zstd"] },
      compaction: { enum: ["none", "keys"] },
      garbageRatio: { type: "number", minimum: 0, maximum: 1 },
      tombstoneMs: { type: "integer", minimum: 0 },
    },
  },
  Topic: {
    type: "object",
    required: ["name", "id", "config"],
    properties: {
      name: { type: "string" },
      id: { type: "string", description: "Never used again." },
      config: schema("TopicConfig"),
    },
  },
  TopicDetails: {
    allOf: [schema("Topic")],
    type: "object",
    required: ["partitions"],
    properties: {
      partitions: {
        type: "array",
        items: {
          type: "object",
          properties: {
            partition: { type: "integer" },
            ...boundsProperties(),
            records: { type: "integer", description: "Records that can be read." },
            bytes: { type: "integer", description: "Bytes of its segments." },
            segments: { type: "integer" },
            compactedTo: {
              ...offset,
              description: "Below it, records may be gone that later ones with their key replaced.",
            },
            truncations: {
              type: "integer",
              description: "How often the last records were taken away.",
            },
            compacted: schema("CompactionTotals"),
            oldestSegment: { ...offset, description: "The first offset of the first segment." },
            activeSegment: { ...offset, description: "Of the segment that is written to." },
          },
        },
      },
    },
  },
  CompactionTotals: {
    type: "object",
    required: ["runs", "records", "bytes"],
    description: "What compaction removed since the server opened the partition.",
    properties: {
      runs: { type: "integer", description: "Compactions that removed something." },
      records: { type: "integer", description: "Records that were removed." },
      bytes: { type: "integer", description: "Bytes that the segments take less." },
    },
  },
  Problem: {
    type: "object",
    required: ["type", "title", "status", "detail", "code", "retryable"],
    description: "Problem details (RFC 9457), and the facts that go with the code.",
    properties: {
      type: { type: "string", format: "uri" },
      title: { type: "string" },
      status: { type: "integer" },
      detail: { type: "string" },
      code: { type: "string", description: "Stable: what programs look at." },
      retryable: { type: "boolean", description: "Whether the same request may succeed later." },
    },
    additionalProperties: { type: ["string", "number", "boolean", "null"] },
  },
};

function boundsProperties(): Record<string, unknown> {
  return { logStartOffset: offset, durableOffset: offset, nextOffset: offset };
}
