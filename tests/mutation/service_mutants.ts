/** Mutants of the service: schemas, gRPC, consumer groups, webhooks, queries. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const REGISTRY = ["tests/server/schemas/registry_test.ts"];
const SURFACES = ["tests/server/schemas/surfaces_test.ts"];
const COMPATIBILITY = ["tests/server/schemas/compatibility_test.ts"];
const GRPC_ACCESS = ["tests/server/grpc/access_test.ts"];
const CALLS = ["tests/server/grpc/calls_test.ts"];
const FLOODS = ["tests/server/grpc/floods_test.ts"];
const INTAKE = ["tests/server/grpc/intake_test.ts"];
const SESSIONS = ["tests/server/grpc/sessions_test.ts"];
const COORDINATOR = ["tests/groups/coordinator_test.ts"];
const GROUP_STATE = ["tests/groups/group_state_test.ts"];
const GROUPS = ["tests/server/groups_test.ts"];
const GROUPS_ACCESS = ["tests/server/groups_access_test.ts"];
const SENDER = ["tests/server/webhook_sender_test.ts"];
const WEBHOOKS = ["tests/server/webhooks_test.ts", "tests/server/webhook_failures_test.ts"];
const VERIFY = ["tests/client/verify_webhook_test.ts"];
const QUERIES = ["tests/query/queries_test.ts"];
const READER = ["tests/query/reader_test.ts"];
const ENDED = ["tests/query/ended_test.ts"];

export const SERVICE_MUTANTS: readonly Mutant[] = [
  ...of(
    "server/schemas/schema_backend.ts",
    SURFACES,
    [
      "records are checked",
      "check === undefined ? withoutSchemaHeader(records) : check.stamped(records);",
      "withoutSchemaHeader(records);",
    ],
    [
      "encoded batches are checked",
      "super.appendBatch(topic, checkedBatch(batch, check), options),",
      "super.appendBatch(topic, check === undefined ? checkedBatch(batch, check) : batch, options),",
    ],
    [
      "the end of a partition that is reserved is checked",
      "this.#checkedReservation(topic, await reserve(topic, partition));",
      "await reserve(topic, partition);",
    ],
    [
      "what a client says of the version of a record is not kept",
      "? withoutSchemaHeader(records) :",
      "? records :",
    ],
    [
      "what a client says of it in an encoded batch is not kept, either",
      "? batchWithoutSchemaHeader(batch)",
      "? batch",
    ],
    [
      "a topic that is made anew has no schema",
      "if (!isInternalTopic(topic)) await this.#registry.forget(topic);",
      "",
      REGISTRY,
    ],
  ),
  ...of(
    "server/schemas/schema_header.ts",
    SURFACES,
    [
      "a batch that was checked is known when it is sent again",
      "...producer === undefined ? {} : { producer },",
      "",
    ],
  ),
  ...of(
    "server/schemas/record_check.ts",
    SURFACES,
    ["text is not taken for JSON", 'if (type !== "json") {', 'if (type === "bytes") {'],
  ),
  ...of(
    "server/schemas/schema_registry.ts",
    REGISTRY,
    [
      "a schema that is not compatible is refused",
      "if (incompatibility !== undefined) throw incompatible(",
      "if (incompatibility === null) throw incompatible(",
    ],
    [
      "schemas of a topic that is gone are not in force",
      "if (ids.get(topic) !== topicId) this.#stale.add(topic);",
      "",
    ],
  ),
  ...of(
    "server/schemas/find_incompatibility.ts",
    COMPATIBILITY,
    [
      "transitive is for all versions",
      'compatibility.endsWith("-transitive") ? newestFirst : newestFirst.slice(0, 1);',
      "newestFirst.slice(0, 1);",
    ],
    ["full is in both directions", "/^(forward|full)/", "/^forward/"],
  ),
  ...of(
    "server/grpc/gate.ts",
    GRPC_ACCESS,
    [
      "whoever may not is refused before a message is waited for",
      "demandAnywhere(visitor.principal, need);",
      "",
    ],
    ["a deadline ends the waiting for a message", "intake?.endWith(signal);", "", CALLS],
  ),
  ...of(
    "server/grpc/intake.ts",
    INTAKE,
    [
      "a message that is too long is refused by its head",
      'if (length > bytesMax) throw bodyTooLarge(bytesMax, "a message");',
      "",
    ],
    [
      "memory of messages is counted before it is taken",
      "this.#options.budget.take(bytes);",
      "",
    ],
    [
      "a message does not unpack to more than is allowed",
      "{ maxOutputLength: bytesMax }",
      "{}",
    ],
  ),
  ...of(
    "server/grpc/sessions.ts",
    SESSIONS,
    [
      "a connection has so many calls and no more",
      "this.#isClosing || this.#calls >= this.#limits.callsMax",
      "this.#isClosing",
    ],
    [
      "calls that are taken back are counted",
      "if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#givenUp();",
      "",
    ],
    [
      "a client that is gone without a word is missed",
      "if (this.#isPinged) return attempt(() => this.#inner.destroy());",
      "",
    ],
  ),
  ...of(
    "server/grpc/call.ts",
    CALLS,
    [
      "a call is answered when its deadline is over",
      'signal.addEventListener("abort", end, { once: true });',
      "",
    ],
    [
      "a stream ends with its credentials",
      "patience([context.signal, services.stopping, visitor.ended]);",
      "patience([context.signal, services.stopping]);",
      GRPC_ACCESS,
    ],
  ),
  ...of(
    "server/grpc/http2_call.ts",
    ["tests/server/grpc/callers_test.ts"],
    [
      "a page of another site does not call",
      "checkCaller(services.callers, facts);",
      "",
    ],
    [
      "headers beyond the bound are no call",
      "if (bytes <= bytesMax) return web;",
      "if (bytes >= 0) return web;",
      FLOODS,
    ],
  ),
  ...of(
    "core/groups/commit.ts",
    COORDINATOR,
    [
      "who lost a partition and has it again does not commit what it read before",
      "place?.owner !== member || place.since !== since",
      "place?.owner !== member",
    ],
    [
      "nobody commits for a partition of another member",
      "place?.owner !== member || place.since !== since",
      "place?.since !== since",
    ],
    ["a commit does not go back", "offset > before.offset ||", "offset !== before.offset ||"],
    [
      "nothing is committed past the end",
      "if (offset > bounds.nextOffset) throw",
      "if (offset < 0) throw",
    ],
  ),
  ...of(
    "core/groups/committed_offsets.ts",
    COORDINATOR,
    [
      "a commit is stored before it is acknowledged",
      "await this.#write(name, (transaction) => {\n      for (const committed of offsets) {\n        const",
      "void this.#write(name, (transaction) => {\n      for (const committed of offsets) {\n        const",
    ],
  ),
  ...of(
    "core/groups/coordinator.ts",
    COORDINATOR,
    [
      "generations that may have been told are not used again",
      "      await reserve(group);\n      const nowMs",
      "      const nowMs",
    ],
  ),
  ...of(
    "core/groups/group_state.ts",
    GROUP_STATE,
    [
      "a member that is not heard of is given up",
      "filter(({ expiresAt }) => expiresAt <= nowMs);\n    for (const { member } of gone)",
      "filter(() => false);\n    for (const { member } of gone)",
    ],
    [
      "a sign of life that comes too late does not count",
      "member === undefined || member.expiresAt <= nowMs",
      "member === undefined",
    ],
    [
      "what is not given up in time is taken",
      "filter(({ releaseBy }) => releaseBy <= nowMs);",
      "filter(() => false);",
    ],
    [
      "an answer that is on its way is not taken for a refusal",
      "since <= generation && !held.has(key)",
      "!held.has(key)",
    ],
    [
      "nobody is taken for a member by its name alone",
      "known !== undefined && known.principal === principal;",
      "known !== undefined;",
      GROUPS_ACCESS,
    ],
  ),
  ...of(
    "core/groups/seek.ts",
    GROUPS,
    [
      "a group is not moved under its members",
      "if (active.length > 0 && !force) {",
      "if (active.length < 0) {",
    ],
  ),
  ...of(
    "server/webhooks/address_policy.ts",
    SENDER,
    [
      "private addresses are not reached",
      'address.range() !== "unicast" || address.toString()',
      "address.toString()",
    ],
    ["a cloud's own address is not reached", " || address.toString() === NEIGHBOUR", ""],
    [
      "of IPv6, only what is given out is public",
      'address.kind() === "ipv4" || address.toByteArray()[0]! >> 5 === 1;',
      "true;",
    ],
    [
      "nothing is sent without TLS",
      'if (url.protocol === "http:") throw unencrypted(url);',
      "",
    ],
  ),
  ...of(
    "server/webhooks/http_sender.ts",
    SENDER,
    [
      "the address that is connected to is the one that was looked at",
      "      lookup: this.#guardedLookup(url),\n",
      "",
    ],
    [
      "each address of a name is looked at",
      "for (const { address } of addresses) this.#options.policy",
      "for (const { address } of addresses.slice(0, 1)) this.#options.policy",
    ],
    [
      "an answer without an end is not read to its end",
      "if (bytes > WEBHOOK_ANSWER_BYTES_MAX) settle(outcome);",
      "",
    ],
  ),
  ...of(
    "server/webhooks/courier.ts",
    WEBHOOKS,
    [
      "what has not arrived is not noted as delivered",
      "const parcel = await readParcel(backend, this.#source, range);",
      "const parcel = await readParcel(backend, this.#source, range);\n        await this.#moveTo({ offset: parcel.end });",
    ],
    [
      "a delivery that is tried again is the same",
      "      range = { from, until: parcel.end, recordsMax: Infinity };\n",
      "      range = { from, until: await backend.bounds(this.#source.topic).then((b) => b.nextOffset), recordsMax: Infinity };\n",
    ],
    [
      "a redirect is no success",
      "status >= 200 && status < 300",
      "status >= 200 && status < 400",
      SENDER,
    ],
  ),
  ...of(
    "core/base/webhook_signature.ts",
    VERIFY,
    [
      "the time of a webhook is signed",
      "`${message.id}.${message.timestamp}.`",
      "`${message.id}..`",
    ],
  ),
  ...of(
    "client/verify_webhook.ts",
    VERIFY,
    [
      "an old webhook is not taken",
      "Math.abs(nowMs - timestampMs) > toleranceMs",
      "timestampMs - nowMs > toleranceMs",
    ],
  ),
  ...of(
    "core/query/statement.ts",
    ["tests/query/statement_test.ts"],
    ["one statement is run, and not the one behind it", "if (hasMore) throw", "if (end < 0) throw"],
    ["only what reads is run", "word !== undefined && READING.has(word)", "word !== undefined"],
  ),
  ...of(
    "core/query/reader.ts",
    READER,
    [
      "SQLite itself allows only reading",
      "(allowed.has(action) && !isOurs(first)",
      "(!isOurs(first)",
    ],
    [
      "what a view is made of is not seen",
      "allowed.has(action) && !isOurs(first)",
      "allowed.has(action)",
    ],
    [
      "functions that reach out are refused",
      'FORBIDDEN.has(second ?? "")',
      "false",
    ],
    [
      "rows are no more than may be given",
      "if (bytes > bytesMax) throw",
      "if (bytes < 0) throw",
      QUERIES,
    ],
  ),
  ...of(
    "server/query/queries.ts",
    QUERIES,
    [
      "a query sees the topics that may be consumed",
      "      demand(topic);\n      try",
      "      try",
    ],
    [
      "a query has its time",
      "if (!context.isPatient) deadline.set(ask.timeoutMs);",
      "",
    ],
    [
      "the time of a query that waits for a view counts from when it is there",
      "if (context.isPatient) deadline.unset();",
      "",
    ],
  ),
  ...of(
    "server/query/worker_pool.ts",
    ENDED,
    [
      "a query whose time is over is ended",
      'signal.addEventListener("abort", end, { once: true });\n    const watch',
      "const watch",
    ],
  ),
];
