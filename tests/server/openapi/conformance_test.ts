/**
 * The server does what its own document says: requests made from the document, good and bad, are
 * answered by a status, a type, headers and a body that it describes.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import fc from "fast-check";
import { openGuarded } from "../access/access_support.ts";
import { jsonOf, jsonRequest } from "../support.ts";
import { FakeReceiver } from "../webhook_receiver.ts";
import { resolved, valueOf } from "./arbitrary.ts";

type Json = Record<string, unknown>;

interface Operation extends Json {
  readonly responses: Record<string, unknown>;
  readonly requestBody?: { readonly content: Record<string, { readonly schema?: unknown }> };
}

/** One operation of the document. */
interface Described {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  readonly parameters: readonly Json[];
}

const METHODS = ["get", "put", "post", "patch", "delete"];
const RUNS = Number(process.env.SEGLOG_CONFORMANCE_RUNS ?? 20);

function operationsOf(document: Json): Described[] {
  const found: Described[] = [];
  for (const [path, item] of Object.entries(document.paths as Record<string, Json>)) {
    for (const method of METHODS) {
      const operation = item[method] as Operation | undefined;
      if (operation === undefined) continue;
      const all = [...(item.parameters ?? []) as Json[], ...(operation.parameters ?? []) as Json[]];
      found.push({
        method: method.toUpperCase(),
        path,
        operation,
        parameters: all.map((each) => resolved(document, each)),
      });
    }
  }
  return found;
}

/** Tries until an operation is done once, in rounds: some want much that has to fit together. */
const TRIES_A_ROUND = 500;
const ROUNDS_MAX = 20;

/** Names that exist, that do not, and that are hard to write. */
const NAMES = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("orders", "bucket") },
  { weight: 1, arbitrary: fc.constantFrom("none", "a/b", "ü", "..;", "t") },
);

/** @param count of parameters: where there are many, most are left out, so that some requests are good */
function parameterValue(
  document: Json,
  parameter: Json,
  count: number,
): fc.Arbitrary<string | undefined> {
  const name = String(parameter.name);
  const text = name === "topic" || name === "bucket"
    ? NAMES
    : name === "key" && parameter.in === "path"
    ? fc.constantFrom("k", "a/b", "none", "..;")
    : name === "group"
    ? fc.constantFrom("billing", "none", "a/b", "..;")
    : name === "token" || name === "tenant"
    ? fc.constantFrom("none", "acme", "other")
    : name === "webhook"
    ? fc.constantFrom("billing", "none")
    : name === "version"
    ? fc.constantFrom("1", "latest", "9", "x")
    : /^(min-.*-)?wait$/.test(name) // what is asked for would be waited for
    ? fc.constantFrom("0ms", "2ms", "x", "5")
    : valueOf(document, parameter.schema ?? {}).map((value) =>
      typeof value === "string" ? value : JSON.stringify(value)
    );
  // A path that ends early is another one.
  if (parameter.in === "path") return text.filter((value) => !/^\.{0,2}$/.test(value));
  if (parameter.required === true) return text;
  const absent = { weight: Math.max(2, count), arbitrary: fc.constant(undefined) };
  return fc.oneof(absent, { weight: 1, arbitrary: text });
}

/** What needs an id that only the server makes. */
const NEEDS_ID = /snapshots\/|tokens\/|groups\/\{group\}\/commit/;

/** What the document leaves to `proto/`. */
const CALLS = /^\w+ \/(seglog|grpc)\./;

/** A header can carry some characters only. */
const HEADER_VALUE = /^[\x20-\x7e]*$/;

interface Asked {
  readonly path: string;
  readonly init: RequestInit;
}

function requestOf(document: Json, described: Described): fc.Arbitrary<Asked> {
  const { method, path, operation, parameters } = described;
  const values = fc.tuple(
    ...parameters.map((each) => parameterValue(document, each, parameters.length)),
  );
  const accept = fc.constantFrom(
    ...Object.values(operation.responses).flatMap((response) =>
      Object.keys((resolved(document, response).content ?? {}) as Json)
    ),
    "*/*",
    "text/nothing",
  );
  const body = bodyOf(document, operation);
  return fc.tuple(values, accept, body).map(([given, accept, body]) => {
    let target = path;
    const query = new URLSearchParams();
    const headers = new Headers({ accept });
    if (body !== undefined) headers.set("content-type", body.type);
    for (const [index, value] of given.entries()) {
      const { name, in: place } = parameters[index] as { name: string; in: string };
      if (value === undefined) continue;
      if (place === "path") target = target.replace(`{${name}}`, encodeURIComponent(value));
      else if (place === "query") query.append(name, value);
      else if (HEADER_VALUE.test(value)) headers.set(name, value);
    }
    for (const name of ["min-offset", "min-revision"]) {
      if (query.has(name) && !query.has(`${name}-wait`)) query.append(`${name}-wait`, "2ms");
    }
    const search = query.size === 0 ? "" : `?${query}`;
    return { path: target + search, init: { method, headers, ...body && { body: body.bytes } } };
  });
}

/** What is asked for would be waited for. */
function impatient(body: string): string {
  return body.replace(/"waitMs":\d+/, '"waitMs":2');
}

type Body = { readonly type: string; readonly bytes: string } | undefined;

function bodyOf(document: Json, operation: Operation): fc.Arbitrary<Body> {
  const content = operation.requestBody?.content;
  if (content === undefined) return fc.constant(undefined);
  const kinds = Object.entries(content).map(([type, { schema = {} }]) => {
    const value = valueOf(document, schema);
    const bytes = type === "application/x-ndjson"
      ? fc.array(value, { maxLength: 3 }).map((all) => all.map((v) => JSON.stringify(v)).join("\n"))
      : type === "application/json"
      ? fc.oneof(
        { weight: 9, arbitrary: value.map((each) => impatient(JSON.stringify(each))) },
        { weight: 1, arbitrary: fc.string() },
      )
      : fc.string();
    return bytes.map((bytes): Body => ({ type, bytes }));
  });
  const wrong = fc.constant<Body>({ type: "text/nothing", bytes: "x" });
  return fc.oneof({ weight: 9, arbitrary: fc.oneof(...kinds) }, { weight: 1, arbitrary: wrong });
}

test("the document is valid OpenAPI 3.1", async () => {
  await using opened = await openGuarded();
  const document = await jsonOf(await opened.app.request("/openapi.json"));
  const { valid, errors } = await new Validator().validate(document);
  assert.ok(valid, JSON.stringify(errors));
  assert.equal(document.openapi, "3.1.0");
});

test("every operation answers as the document says, whatever it is asked", async (t) => {
  // What webhooks deliver is sent nowhere.
  const receiver = new FakeReceiver();
  receiver.always = { status: 204 };
  await using opened = await openGuarded({ webhookSender: receiver });
  const document = await jsonOf<Json>(await opened.app.request("/openapi.json"));
  const neverDone = new Set<string>();
  const ajv = new Ajv2020({ strict: false, validateFormats: true });
  formats.default(ajv);
  ajv.addSchema(document, "doc");
  /** Whatever was done before, there is something to work on. */
  const prepare = async () => {
    for (let i = 0; i < 5; i++) {
      const record = jsonRequest("POST", { key: `k${i}`, value: i });
      await opened.operator("/v1/topics/orders/records", record);
    }
    await opened.operator("/publish", jsonRequest("POST", { data: 1 }));
    const index = jsonRequest("POST", { path: "$.user.id" });
    await opened.operator("/v1/topics/orders/indexes", index);
    await opened.operator("/v1/kv/bucket/k", { method: "PUT", body: "v" });
    await opened.operator("/blobs/k", { method: "PUT", body: "v" });
    await opened.operator("/v1/schemas/orders", jsonRequest("POST", { schema: true }));
    const webhook = { topic: "orders", url: "https://hook.example/" };
    await opened.operator("/v1/webhooks/billing", jsonRequest("PUT", webhook));
    const member = jsonRequest("POST", { member: "worker-1", topics: ["orders"] });
    await opened.operator("/v1/groups/billing/join", member);
  };
  for (const described of operationsOf(document)) {
    const { method, path, operation } = described;
    await t.test(`${method} ${path}`, async () => {
      await prepare();
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(requestOf(document, described), async ({ path: target, init }) => {
          const response = await opened.operator(target, init);
          statuses.add(response.status);
          await checkAnswer(response, operation, `${method} ${target}`);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      const isDone = () => [...statuses].some((status) => status < 300);
      const name = `${method} ${path}`;
      if (NEEDS_ID.test(name) || CALLS.test(name)) return; // ids that the server makes are not guessed
      for (let round = 0; round < ROUNDS_MAX && !isDone(); round++) {
        await prepare();
        const asked = fc.sample(requestOf(document, described), TRIES_A_ROUND);
        for (const { path: target, init } of asked) {
          if (isDone()) break;
          const response = await opened.operator(target, init);
          statuses.add(response.status);
          await response.body?.cancel();
        }
      }
      if (!isDone()) neverDone.add(name);
    });
  }

  assert.deepEqual([...neverDone], []);

  async function checkAnswer(
    response: Response,
    operation: Operation,
    where: string,
  ): Promise<void> {
    const { status } = response;
    const type = response.headers.get("content-type")?.split(";")[0]?.trim();
    const given = operation.responses[String(status)];
    // An error of a call is told as its protocol has it.
    if (given === undefined && "default" in operation.responses) {
      return await response.body?.cancel();
    }
    if (given === undefined) {
      assert.fail(`${where}: ${status} is not described: ${await response.text()}`);
    }
    const content = (resolved(document, given).content ?? {}) as Record<
      string,
      { schema?: unknown }
    >;
    if (type === "text/event-stream") {
      assert.ok(content[type], `${where}: events are not described`);
      return await response.body?.cancel();
    }
    const text = await response.text();
    assert.notEqual(status, 500, `${where}: ${text}`);
    if (status === 204 || status === 304 || (text === "" && type === undefined)) return;
    const described = content[type ?? ""] ?? content["*/*"];
    assert.ok(
      described,
      `${where}: ${status} with ${type} is not described: ${text.slice(0, 300)}`,
    );
    // Lines are described as text.
    if (type === undefined || !/json$/.test(type) || described.schema === undefined) return;
    const validate = ajv.compile(absolute(described.schema) as Json);
    if (!validate(type === "application/x-ndjson" ? text : JSON.parse(text))) {
      const why = JSON.stringify(validate.errors?.slice(0, 3));
      assert.fail(`${where}: ${status}: ${why}: ${text.slice(0, 300)}`);
    }
  }
});

/** A schema of the document, whose references lead into it from outside. */
const made = new Map<unknown, unknown>();
function absolute(schema: unknown): unknown {
  const known = made.get(schema);
  if (known !== undefined) return known;
  const text = JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"doc#/');
  const result = JSON.parse(text);
  made.set(schema, result);
  return result;
}
