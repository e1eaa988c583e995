/**
 * The small blob API in the OpenAPI document.
 *
 * @module
 */
import { bytes } from "./kv_parts.ts";
import { json, parameter, schema } from "./parts.ts";

const tags = ["blobs"];
const etag = {
  description: "CRC-32 of the value, 8 hexadecimal digits in quotes.",
  schema: { type: "string" },
};
const blobHeaders = { ETag: etag, "Last-Modified": { schema: { type: "string" } } };

const WHY: Readonly<Record<number, string>> = {
  400: "The request cannot be understood.",
  403: "The server can only read.",
  404: "There is no such blob.",
  408: "The body did not arrive in time.",
  412: "The condition does not hold.",
  413: "The blob or the key is too large.",
  415: "A form of another site.",
  416: "Nothing of the range is there.",
  500: "The server failed.",
  503: "Not now.",
  507: "The disk is full.",
};

function errors(...statuses: number[]): Record<string, unknown> {
  return Object.fromEntries(
    [...statuses, 500, 503].map((status) => [status, json(WHY[status]!, schema("BlobError"))]),
  );
}

function writing(operationId: string): Record<string, unknown> {
  return {
    tags,
    operationId,
    summary: "Store a blob, in place of the one before.",
    parameters: ["ifTag", "ifNoneMatch"].map(parameter),
    requestBody: { required: true, content: { "application/octet-stream": { schema: bytes } } },
    responses: {
      "201": json("It is stored.", schema("BlobWritten"), { ETag: etag }),
      ...errors(400, 403, 408, 412, 413, 415, 507),
    },
  };
}

/** Paths of blobs, which are in the bucket `blobs`. */
export const blobPaths: Record<string, Record<string, unknown>> = {
  "/blobs": {
    get: {
      tags,
      operationId: "listBlobs",
      summary: "Blobs in the order of their keys.",
      parameters: ["prefix", "afterKey", "keysLimit"].map(parameter),
      responses: { "200": json("A page of them.", schema("BlobPage")), ...errors(400) },
    },
  },
  "/blobs/{key}": {
    parameters: [parameter("key")],
    get: {
      tags,
      operationId: "readBlob",
      summary: "A blob, or a part of it.",
      parameters: ["range", "ifRange", "ifKnown"].map(parameter),
      responses: {
        "200": {
          description: "The blob.",
          headers: blobHeaders,
          content: { "application/octet-stream": { schema: bytes } },
        },
        "206": {
          description: "The part that was asked for.",
          headers: { ...blobHeaders, "Content-Range": { schema: { type: "string" } } },
          content: { "application/octet-stream": { schema: bytes } },
        },
        "304": { description: "The client has it." },
        ...errors(400, 404, 413, 416),
      },
    },
    post: writing("postBlob"),
    put: writing("putBlob"),
    delete: {
      tags,
      operationId: "deleteBlob",
      summary: "Delete a blob.",
      parameters: [parameter("ifTag")],
      responses: { "204": { description: "It is gone." }, ...errors(400, 403, 404, 412, 413, 507) },
    },
  },
};
