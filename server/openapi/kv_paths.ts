/**
 * Keys and values in the OpenAPI document.
 *
 * @module
 */
import { bytes, valueContent, valueHeaders } from "./kv_parts.ts";
import { json, parameter, problems, schema } from "./parts.ts";

const tags = ["keys and values"];
const events = {
  schema: {
    type: "string",
    description: "Events `set` and `delete`, of which `id` is the revision to go on from.",
  },
};
const settingsBody = {
  required: false,
  content: { "application/json": { schema: schema("SnapshotSettings") } },
};

/** Paths of buckets. */
export const kvPaths: Record<string, Record<string, unknown>> = {
  "/v1/kv/{bucket}": {
    parameters: [parameter("bucket")],
    get: {
      tags,
      operationId: "listKeys",
      summary: "List keys in the order of their bytes, or watch them.",
      description:
        "By `Accept`: a JSON page; NDJSON of all, an `Entry` a line; server-sent events, " +
        "which take `prefix`, `from` and `Last-Event-ID`.",
      parameters: [
        "prefix",
        "startKey",
        "endKey",
        "afterKey",
        "keysLimit",
        "keysReverse",
        "keysOnly",
        "inSnapshot",
        "minRevision",
        "minRevisionWait",
        "fromRevision",
        "lastEventId",
      ].map(parameter),
      responses: {
        "200": {
          description: "The keys.",
          content: {
            "application/json": { schema: schema("EntryPage") },
            "application/x-ndjson": { schema: { type: "string" } },
            "text/event-stream": events,
          },
        },
        ...problems(400, 404, 406, 410, 416),
      },
    },
  },
  "/v1/kv/{bucket}/{key}": {
    parameters: [parameter("bucket"), parameter("key")],
    get: {
      tags,
      operationId: "getKey",
      summary: "The value of a key as it is; with `Accept: text/event-stream`, its changes.",
      parameters: [
        "inSnapshot",
        "asOfRevision",
        "minRevision",
        "minRevisionWait",
        "ifKnown",
        "fromRevision",
        "lastEventId",
      ].map(parameter),
      responses: {
        "200": {
          description: "The value.",
          headers: valueHeaders,
          content: { ...valueContent, "text/event-stream": events },
        },
        "304": { description: "The client has it." },
        ...problems(400, 404, 410, 413, 416),
      },
    },
    put: {
      tags,
      operationId: "setKey",
      summary: "Set a key; what the value is, Content-Type says.",
      parameters: ["ifMatch", "ifNoneMatch"].map(parameter),
      requestBody: {
        required: true,
        content: { ...valueContent, "*/*": { schema: bytes } },
      },
      responses: {
        "200": json("It has another value now.", schema("KeyWritten"), { ETag: valueHeaders.ETag }),
        "201": json("It had none.", schema("KeyWritten"), { ETag: valueHeaders.ETag }),
        ...problems(400, 403, 408, 412, 413, 415, 422, 507),
      },
    },
    delete: {
      tags,
      operationId: "deleteKey",
      summary: "Delete a key.",
      parameters: [parameter("ifMatch")],
      responses: {
        "200": json("It has no value any more.", schema("KeyWritten")),
        ...problems(400, 403, 404, 412, 413, 507),
      },
    },
  },
  "/v1/kv/{bucket}/tx": {
    parameters: [parameter("bucket")],
    post: {
      tags,
      operationId: "transact",
      summary: "Check, read and write keys: all of it or nothing.",
      description: "412 names the key of a check that does not hold; 409 is `conflict`: what was " +
        "read in the snapshot, or is to be written, was changed since.",
      requestBody: {
        required: true,
        content: { "application/json": { schema: schema("Transaction") } },
      },
      responses: {
        "200": json("It is in.", schema("TransactionResult")),
        ...problems(400, 403, 404, 408, 409, 412, 413, 415, 422, 507),
      },
    },
  },
  "/v1/kv/{bucket}/snapshots": {
    parameters: [parameter("bucket")],
    post: {
      tags,
      operationId: "takeSnapshot",
      summary: "Hold the bucket as it is now, to be read for a time.",
      requestBody: settingsBody,
      responses: {
        "201": json("It is held.", schema("Snapshot"), {
          Location: { description: "Its path.", schema: { type: "string" } },
        }),
        ...problems(400, 404, 408, 413, 415),
      },
    },
  },
  "/v1/kv/{bucket}/snapshots/{snapshot}": {
    parameters: [parameter("bucket"), parameter("snapshot")],
    get: {
      tags,
      operationId: "describeSnapshot",
      summary: "What a snapshot is, and how long it is held.",
      responses: { "200": json("It is held.", schema("Snapshot")), ...problems(400, 404) },
    },
    post: {
      tags,
      operationId: "renewSnapshot",
      summary: "Hold a snapshot for its time again, from now on, or for another one.",
      requestBody: settingsBody,
      responses: {
        "200": json("It is held for longer.", schema("Snapshot")),
        ...problems(400, 404, 408, 413, 415),
      },
    },
    delete: {
      tags,
      operationId: "dropSnapshot",
      summary: "Give a snapshot up.",
      responses: { "204": { description: "It is gone." }, ...problems(400, 404) },
    },
  },
};
