/**
 * Health, metrics and the description itself in the OpenAPI document.
 *
 * @module
 */
import { json, problems } from "./parts.ts";

const status = { type: "object", properties: { status: { type: "string" } } };

const count = { type: "integer", minimum: 0 };
const orUnknown = { type: ["integer", "null"], minimum: 0 };

const volumeHealth = {
  type: "object",
  properties: {
    status: { type: "string" },
    volume_id: { type: "string" },
    keys: { ...orUnknown, description: "Blobs; `null` while they are still being counted." },
    segments: count,
    total_mb: { type: "number" },
    uptime_secs: count,
  },
};

const volumeMetrics = {
  type: "object",
  description: "What is kept of blobs, and all meters.",
  properties: {
    volume_id: { type: "string" },
    uptime_secs: count,
    total_keys: orUnknown,
    total_segments: count,
    total_bytes: { ...count, description: "On disk." },
    total_mb: { type: "number" },
    active_segment_id: { ...orUnknown, description: "The first offset of a segment." },
    oldest_segment_id: orUnknown,
    avg_value_size_bytes: orUnknown,
    meters: { type: "array" },
  },
};

/** Paths about the server. */
export const serverPaths: Record<string, Record<string, unknown>> = {
  "/v1": {
    get: {
      tags: ["server"],
      operationId: "about",
      summary: "What this is, and what it can do.",
      responses: {
        "200": json("The server.", {
          type: "object",
          required: ["name", "version", "kind", "canWrite", "canTruncateAfter"],
          properties: {
            name: { const: "seglog" },
            version: { type: "string" },
            kind: { type: "string", description: "Where records are kept." },
            canWrite: { type: "boolean" },
            canTruncateAfter: { type: "boolean" },
            epoch: {
              type: "integer",
              description: "Counts leaderships: a replica that is promoted has a higher one.",
            },
            source: { type: "string", description: "What a node has a copy of." },
            recordShape: { type: "integer", description: "Version of `Record`." },
            batchFormat: { type: "integer", description: "Version of encoded batches." },
          },
        }),
      },
    },
  },
  "/livez": {
    get: {
      tags: ["server"],
      operationId: "live",
      summary: "Whether the process answers.",
      responses: { "200": json("It does.", status) },
    },
  },
  "/readyz": {
    get: {
      tags: ["server"],
      operationId: "ready",
      summary: "Whether requests can be taken.",
      responses: { "200": json("They can.", status), ...problems() },
    },
  },
  "/health": {
    get: {
      tags: ["server"],
      operationId: "health",
      summary: "How the server is, for people.",
      responses: { "200": json("Well.", volumeHealth), "503": json("Not well, and why.", status) },
    },
  },
  "/metrics": {
    get: {
      tags: ["server"],
      operationId: "metrics",
      summary: "What the server counts.",
      responses: {
        "200": {
          description: "The meters.",
          content: {
            "text/plain": { schema: { type: "string", description: "Prometheus text format." } },
            "application/json": { schema: volumeMetrics },
          },
        },
        ...problems(406),
      },
    },
  },
  "/openapi.json": {
    get: {
      tags: ["server"],
      operationId: "openapi",
      summary: "This document.",
      responses: { "200": json("The document.", { type: "object" }) },
    },
  },
};
