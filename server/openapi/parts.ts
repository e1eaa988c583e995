/**
 * Parameters and answers that several paths of the OpenAPI document share.
 *
 * @module
 */

/** Points to a schema. */
export function schema(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** Points to a parameter. */
export function parameter(name: string): { $ref: string } {
  return { $ref: `#/components/parameters/${name}` };
}

/** Points to answers for errors, by their status. */
export function problems(...statuses: number[]): Record<string, { $ref: string }> {
  const all = [...statuses, 500, 503];
  return Object.fromEntries(
    all.map((status) => [String(status), { $ref: `#/components/responses/Problem${status}` }]),
  );
}

/** An answer with a JSON body. */
export function json(
  description: string,
  body: unknown,
  headers?: Record<string, unknown>,
): Record<string, unknown> {
  return {
    description,
    ...headers === undefined ? {} : { headers },
    content: { "application/json": { schema: body } },
  };
}

/** The headers of everything that reads a range. */
export const boundsHeaders: Record<string, unknown> = {
  "Seglog-Log-Start-Offset": offsetHeader("First offset that can be read."),
  "Seglog-Durable-Offset": offsetHeader("Everything below survives a loss of power."),
  "Seglog-Next-Offset": offsetHeader("The offset that the next record gets."),
  "Seglog-Next": offsetHeader("Where the next page starts; in reverse, where it ends (`until`)."),
};

const WAIT_5S = { type: "string", pattern: "^\\d+(ms|s)$", default: "5s" };

/** Parameters by name. */
export const parameters: Record<string, unknown> = {
  topic: {
    name: "topic",
    in: "path",
    required: true,
    description: "1 to 200 bytes of UTF-8, percent-encoded; a slash is `%2F`.",
    schema: { type: "string" },
  },
  offset: {
    name: "offset",
    in: "path",
    required: true,
    schema: schema("Offset"),
  },
  partition: query("partition", "The partition.", { type: "integer", minimum: 0, default: 0 }),
  appendPartition: query(
    "partition",
    "The partition; by the hash of the key unless given.",
    { type: "integer", minimum: 0 },
  ),
  from: query("from", "First position; `start` unless given.", schema("Position")),
  until: query("until", "Position after the last; the end unless given.", schema("Position")),
  limit: query(
    "limit",
    "Most records: 1000 unless given and 10000 at most on a JSON page; without limit in streams.",
    { type: "integer", minimum: 1 },
  ),
  maxBytes: query(
    "maxBytes",
    "Bytes of a page of encoded batches; one batch is always given.",
    { type: "integer", minimum: 1, maximum: 8388608, default: 1048576 },
  ),
  wait: query(
    "wait",
    "How long to wait for a record where there is none, such as `5s` or `500ms`; 60 s at most.",
    { type: "string", pattern: "^\\d+(ms|s)$" },
  ),
  minOffset: query(
    "min-offset",
    "Answer only when the end has passed this offset, `nextOffset >= min-offset`: what an append " +
      "told as `end` is seen then, whichever server took it. 503 `unavailable`, with `minOffset` " +
      "and `nextOffset`, when that does not come in time.",
    schema("Offset"),
  ),
  minOffsetWait: query("min-offset-wait", "How long to wait for that; 60 s at most.", WAIT_5S),
  minRevision: query(
    "min-revision",
    "Answer only when the bucket shows this revision, whichever server took the write. 503 " +
      "`unavailable` when that does not come in time.",
    schema("Offset"),
  ),
  minRevisionWait: query("min-revision-wait", "How long to wait for that; 60 s at most.", WAIT_5S),
  reverse: query("reverse", "Newest first.", { type: "boolean", default: false }),
  recordKey: query("key", "Only records with this key.", { type: "string" }),
  recordKeyBase64: query("keyBase64", "The same for any bytes, as padded base64.", {
    type: "string",
    contentEncoding: "base64",
  }),
  lastEventId: header("Last-Event-ID", "Where an event stream goes on; overrides `from`.", {
    type: "string",
  }),
  onLost: query("onLost", "What followers do where offsets are gone: end, or be told and go on.", {
    enum: ["end", "skip"],
    default: "end",
  }),
  batchMessages: query("batch", "Of a WebSocket: records as arrays, as many as are there.", {
    type: "boolean",
    default: false,
  }),
  credit: query(
    "credit",
    'Of a WebSocket: records that the client takes until it sends `{"credit":N}`.',
    { type: "integer", minimum: 0, maximum: 1000000 },
  ),
  ifOffset: header(
    "Seglog-If-Offset",
    "Append only when the first record would get exactly this offset.",
    schema("Offset"),
  ),
  producerId: header("Producer-Id", "Who appends, 1 to 200 bytes: makes retries safe.", {
    type: "string",
  }),
  producerEpoch: header("Producer-Epoch", "Raised by a producer that takes over an id.", {
    type: "integer",
    minimum: 0,
    default: 0,
  }),
  producerSeq: header("Producer-Seq", "Counts the appends of this producer to one partition.", {
    type: "integer",
    minimum: 0,
  }),
  sync: header("Seglog-Sync", "When to acknowledge, instead of the topic's own mode.", {
    type: "string",
    examples: ["always", "interval:200ms", "os"],
  }),
};

const PROBLEMS: readonly (readonly [number, string])[] = [
  [400, "The request cannot be understood: `invalid-argument`."],
  [401, "Credentials are needed, or those that were shown do not count: `unauthenticated`."],
  [
    403,
    "The server can only read: `read-only`. Or this is for another one: `wrong-role`. Or it is not " +
    "allowed: `forbidden`.",
  ],
  [404, "There is no such path, topic, partition or record: `not-found`."],
  [406, "None of the accepted types can be given: `not-acceptable`."],
  [408, "The body did not arrive in time: `request-timeout`."],
  [
    409,
    "The topic is there with other settings: `exists`. Or others were faster: `conflict`. Or the " +
    "schema does not go together with another version: `incompatible`.",
  ],
  [
    410,
    "The offset is below the first readable one: `offset-out-of-range`, `logStartOffset`. Or a " +
    "repair gave it up: `lost`, with the `start` and `end` of what is gone.",
  ],
  [412, "The condition does not hold: `condition-failed`, with what is there."],
  [413, "The body, a line or a record is too large: `too-large`."],
  [415, "The type of the body is not taken: `unsupported-media-type`."],
  [416, "The offset is past the end: `offset-out-of-range`, with `nextOffset`."],
  [422, "A record is not one, or its topic has a schema that refuses it: `invalid-record`."],
  [429, "The tenant has had enough for now: `quota-exceeded`; `Retry-After` says until when."],
  [500, "The server failed: `internal`, `io`, `corrupt`, `outcome-unknown`."],
  [501, "The backend cannot do this: `unsupported`."],
  [503, "Not now: `overloaded`, `unavailable`, `closed`, `poisoned`."],
  [507, "The disk is full: `disk-full`. Or the tenant may keep no more: `quota-full`."],
];

/** Answers for errors, by name. */
export const responses: Record<string, unknown> = Object.fromEntries(
  PROBLEMS.map(([status, description]) => [`Problem${status}`, {
    description,
    content: { "application/problem+json": { schema: schema("Problem") } },
  }]),
);

/** A parameter of the query. */
export function query(name: string, description: string, schema: unknown): Record<string, unknown> {
  return { name, in: "query", description, schema };
}

/** A header of a request. */
export function header(
  name: string,
  description: string,
  schema: unknown,
): Record<string, unknown> {
  return { name, in: "header", description, schema };
}

/** A header of an answer that is an offset. */
export function offsetHeader(description: string): Record<string, unknown> {
  return { description, schema: schema("Offset") };
}
