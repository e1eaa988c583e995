/**
 * Records in the OpenAPI document.
 *
 * @module
 */
import { boundsHeaders, json, parameter, problems, schema } from "./parts.ts";

const bytes = { type: "string", format: "binary" };
const lines = { type: "string", description: "One `Record` a line." };

/** Paths of records. */
export const recordPaths: Record<string, Record<string, unknown>> = {
  "/v1/topics/{topic}/records": {
    parameters: [parameter("topic")],
    post: {
      tags: ["records"],
      operationId: "append",
      summary: "Append records.",
      description:
        "JSON (a record or an array) and a batch are atomic: all of the records or none, in one " +
        "partition. NDJSON is streamed and appended as many batches; an error tells the line. " +
        "Conditions and producers are for atomic bodies; a batch has its producer inside.",
      parameters: [
        parameter("appendPartition"),
        parameter("ifOffset"),
        parameter("producerId"),
        parameter("producerEpoch"),
        parameter("producerSeq"),
        parameter("sync"),
        {
          name: "key",
          in: "query",
          description: "The key of an octet-stream; the header `Seglog-Key` says it, too.",
          schema: { type: "string" },
        },
        {
          name: "type",
          in: "query",
          description: "What an octet-stream is.",
          schema: { enum: ["bytes", "text", "json"], default: "bytes" },
        },
      ],
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: { oneOf: [schema("Record"), { type: "array", items: schema("Record") }] },
          },
          "application/x-ndjson": { schema: lines },
          "application/octet-stream": { schema: bytes },
          "application/vnd.seglog.batch": { schema: bytes },
        },
      },
      responses: {
        "200": json("They are in.", {
          oneOf: [schema("Appended"), schema("AppendedToSeveral")],
        }),
        ...problems(400, 403, 404, 408, 412, 413, 415, 422, 507),
      },
    },
    get: {
      tags: ["records"],
      operationId: "read",
      summary: "Read or follow records.",
      description:
        "By `Accept`: a JSON page; NDJSON to the end, streamed; server-sent events that follow " +
        "the log (`id` is the offset to go on from; `lag`, `caught-up` and `lost` say how the " +
        "client stands; `end` and `error` are the last event); a page of encoded batches that " +
        "overlap the range. With `Upgrade: websocket` the same as messages of a WebSocket " +
        "(subprotocol `seglog.v1`): a record each, or notes with a member `event`.",
      parameters: [
        "partition",
        "from",
        "until",
        "limit",
        "maxBytes",
        "wait",
        "minOffset",
        "minOffsetWait",
        "reverse",
        "recordKey",
        "recordKeyBase64",
        "lastEventId",
        "onLost",
        "batchMessages",
        "credit",
      ].map(parameter),
      responses: {
        "101": { description: "A WebSocket, where it was asked for." },
        "200": {
          description: "The records.",
          headers: boundsHeaders,
          content: {
            "application/json": { schema: schema("RecordPage") },
            "application/x-ndjson": { schema: lines },
            "text/event-stream": { schema: { type: "string" } },
            "application/vnd.seglog.batch": { schema: bytes },
          },
        },
        ...problems(400, 404, 406, 410, 416),
      },
    },
  },
  "/v1/topics/{topic}/records/{offset}": {
    parameters: ["topic", "offset", "partition", "minOffset", "minOffsetWait"].map(parameter),
    get: {
      tags: ["records"],
      operationId: "readOne",
      summary: "One record, or its value as it is.",
      responses: {
        "200": {
          description: "The record.",
          content: {
            "application/json": { schema: schema("Record") },
            "application/octet-stream": { schema: bytes },
          },
        },
        "204": { description: "The record is a tombstone and has no value to give as it is." },
        ...problems(400, 404, 406, 410, 416),
      },
    },
  },
  "/publish": {
    post: {
      tags: ["small API"],
      operationId: "publish",
      summary: "Append one value.",
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              required: ["data"],
              properties: {
                data: { description: "Any JSON value; base64; a string: as `data_type` says." },
                data_type: { enum: [0, 1, 2], default: 0 },
                partition_key: {
                  type: "string",
                  default: "default",
                  description: "Names a topic of its own.",
                },
              },
            },
          },
        },
      },
      responses: {
        "200": json("It is in.", {
          type: "object",
          properties: { status: { const: "ok" }, offset: schema("Offset") },
        }),
        ...problems(400, 403, 404, 408, 413, 415, 507),
      },
    },
  },
  "/read": {
    get: {
      tags: ["small API"],
      operationId: "readData",
      summary: "Read one value.",
      parameters: [
        {
          name: "partition",
          in: "query",
          description: "The partition key.",
          schema: { type: "string", default: "default" },
        },
        { name: "offset", in: "query", required: true, schema: schema("Offset") },
        parameter("minOffset"),
        parameter("minOffsetWait"),
      ],
      responses: {
        "200": json("The value.", {
          type: "object",
          properties: {
            offset: schema("Offset"),
            data: {},
            data_type: { enum: [0, 1, 2] },
            partition_key: { type: "string" },
          },
        }),
        ...problems(400, 404, 410, 416),
      },
    },
  },
};
