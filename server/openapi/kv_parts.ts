/**
 * What the paths of buckets and of blobs share in the OpenAPI document.
 *
 * @module
 */
import { header, offsetHeader, query, schema } from "./parts.ts";

/** Any bytes. */
export const bytes = { type: "string", format: "binary" };

/** The value of a key, by what it is. */
export const valueContent = {
  "application/json": { schema: {} },
  "text/plain": { schema: { type: "string" } },
  "application/octet-stream": { schema: bytes },
};

/** The headers of a value. */
export const valueHeaders: Record<string, unknown> = {
  ETag: { description: "The revision, in quotes.", schema: { type: "string" } },
  "Last-Modified": { description: "When it was set.", schema: { type: "string" } },
  "Seglog-Revision": offsetHeader("The revision."),
};

/** Parameters by name. */
export const kvParameters: Record<string, unknown> = {
  bucket: {
    name: "bucket",
    in: "path",
    required: true,
    description: "A topic with one partition; its name is percent-encoded as a topic's is.",
    schema: { type: "string" },
  },
  key: {
    name: "key",
    in: "path",
    required: true,
    description:
      "All that is left of the path, percent-encoded: 1 byte to 1 KiB of UTF-8. A slash " +
      "may be encoded or not. `.` and `..` alone are written `.;` and `..;`.",
    schema: { type: "string", maxLength: 1024 },
  },
  snapshot: {
    name: "snapshot",
    in: "path",
    required: true,
    description: "The id of a snapshot that is held.",
    schema: { type: "string" },
  },
  asOfRevision: query("revision", "Read as of this revision of the bucket.", {
    type: "integer",
    minimum: 0,
  }),
  inSnapshot: query("snapshot", "Read as this snapshot has it.", { type: "string" }),
  prefix: query("prefix", "Only keys that begin with it.", { type: "string" }),
  startKey: query("start", "The first key, whether it is there or not.", { type: "string" }),
  endKey: query("end", "Behind the last key.", { type: "string" }),
  afterKey: query("after", "Go on behind this key, in reverse before it: `next` of a page.", {
    type: "string",
  }),
  keysLimit: query(
    "limit",
    "Most keys: 100 unless given and 1000 at most on a page; without limit in lines.",
    { type: "integer", minimum: 1 },
  ),
  keysReverse: query("reverse", "From the last key to the first.", {
    type: "boolean",
    default: false,
  }),
  keysOnly: query("keys", "Keys and their revisions, without values.", {
    type: "boolean",
    default: false,
  }),
  fromRevision: query(
    "from",
    "The first revision of an event stream; what comes from now on unless given.",
    schema("Offset"),
  ),
  ifMatch: header(
    "If-Match",
    "Only when this is the revision of the key, in quotes; `*` is any.",
    { type: "string" },
  ),
  ifNoneMatch: header("If-None-Match", "`*`: only when the key has no value.", { const: "*" }),
  ifKnown: header("If-None-Match", "What the client has: 304 when that is still it.", {
    type: "string",
  }),
  ifTag: header("If-Match", "Only when this is the tag of the blob, in quotes; `*` is any.", {
    type: "string",
  }),
  range: header("Range", "The part of a blob: `bytes=0-99`, `bytes=100-` or `bytes=-100`.", {
    type: "string",
  }),
  ifRange: header("If-Range", "The whole, when this is not the tag or the time any more.", {
    type: "string",
  }),
};

/** Schemas by name. */
export const kvSchemas: Record<string, unknown> = {
  KeyWritten: {
    type: "object",
    required: ["bucket", "key", "revision"],
    properties: {
      bucket: { type: "string" },
      key: { type: "string" },
      revision: schema("Offset"),
    },
  },
  Entry: {
    type: "object",
    required: ["key", "revision"],
    description: "A key with its value, as in a `Record`; `type` and `value` only where asked for.",
    properties: {
      key: { type: "string" },
      revision: schema("Offset"),
      timestamp: { type: "string", format: "date-time" },
      type: { enum: ["json", "text", "bytes"] },
      value: { description: "Any JSON value, byte for byte; text; base64." },
    },
  },
  EntryPage: {
    type: "object",
    required: ["bucket", "revision", "entries", "next"],
    properties: {
      bucket: { type: "string" },
      revision: { type: "integer", minimum: -1, description: "All is as of this one." },
      entries: { type: "array", items: schema("Entry") },
      next: { type: ["string", "null"], description: "`after` of the next page." },
    },
  },
  Transaction: {
    type: "object",
    additionalProperties: false,
    properties: {
      isolation: { enum: ["serializable", "snapshot"], default: "serializable" },
      snapshot: { type: "string", description: "The id of a held snapshot that it reads." },
      checks: {
        type: "array",
        maxItems: 1000,
        items: {
          type: "object",
          required: ["key", "revision"],
          additionalProperties: false,
          properties: {
            key: { type: "string" },
            revision: { type: ["integer", "null"], description: "`null` is no value." },
          },
        },
      },
      operations: {
        type: "array",
        maxItems: 1000,
        description: "A key is written once.",
        items: {
          type: "object",
          required: ["op", "key"],
          additionalProperties: false,
          properties: {
            op: { enum: ["get", "set", "delete"] },
            key: { type: "string" },
            value: { description: "Of a set, as in a `Record`." },
            type: { enum: ["json", "text", "bytes"] },
          },
        },
      },
    },
  },
  TransactionResult: {
    type: "object",
    required: ["revision", "results"],
    properties: {
      revision: {
        type: "integer",
        minimum: -1,
        description: "Of the last write; of what was seen, where nothing was written.",
      },
      results: {
        type: "array",
        description: "By operation: an entry or `null` of a get, key and revision of a write; " +
          "that of a deletion is `null` where there was no value.",
        items: { oneOf: [schema("Entry"), schema("NothingDeleted"), { type: "null" }] },
      },
    },
  },
  NothingDeleted: {
    type: "object",
    required: ["key", "revision"],
    properties: { key: { type: "string" }, revision: { type: "null" } },
  },
  SnapshotSettings: {
    type: "object",
    additionalProperties: false,
    properties: { ttlMs: { type: "integer", minimum: 1, maximum: 3_600_000, default: 60_000 } },
  },
  Snapshot: {
    type: "object",
    required: ["id", "bucket", "revision", "expiresAt"],
    properties: {
      id: { type: "string" },
      bucket: { type: "string" },
      revision: { type: "integer", minimum: -1 },
      expiresAt: { type: "string", format: "date-time" },
    },
  },
  BlobWritten: {
    type: "object",
    required: ["key", "etag", "size", "volume_id"],
    properties: {
      key: { type: "string" },
      etag: { type: "string", pattern: "^[0-9a-f]{8}$", description: "CRC-32 of the value." },
      size: { type: "integer", minimum: 0 },
      volume_id: { type: "string" },
    },
  },
  BlobPage: {
    type: "object",
    required: ["blobs", "next"],
    properties: {
      blobs: {
        type: "array",
        items: {
          type: "object",
          required: ["key", "size"],
          properties: { key: { type: "string" }, size: { type: "integer", minimum: 0 } },
        },
      },
      next: { type: ["string", "null"], description: "`after` of the next page." },
    },
  },
  BlobError: {
    type: "object",
    required: ["error"],
    properties: { error: { type: "string" } },
  },
};
