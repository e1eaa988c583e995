/**
 * Requests to the server: every one is answered well or refused with a problem that is the caller's,
 * what is refused is not stored, and the store is whole after it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import {
  decodeBatch,
  encodeBatch,
  type MemoryDisk,
  readRecords,
  Store,
  verify,
} from "../../../mod.ts";
import { concatBytes, EMPTY_BYTES, encodeUtf8 } from "../../../core/base/bytes.ts";
import { isErrorCode } from "../../../core/base/errors.ts";
import { WIRE_SALT } from "../../../core/format/batch_header.ts";
import { createApp } from "../../../server/app.ts";
import { collect } from "../../support/collect.ts";
import { diskOf, goldenFiles } from "../../support/disk_of.ts";
import { encodeRequest, type FuzzRequest, mutateRequest, parseRequest } from "../requests.ts";
import { SAMPLES } from "../samples.ts";
import type { FuzzTarget } from "../target.ts";

const FOLDER = "/store";
const GOLDEN = goldenFiles("store-closed", FOLDER);
const ORIGIN = "http://localhost";
/** Codes of what is the server's own fault, and cannot come of a request. */
const FAULTS = ["internal", "corrupt", "io", "outcome-unknown", "poisoned", "closed", "disk-full"];

export const httpTarget: FuzzTarget = {
  name: "http",
  seeds: seeds().map(encodeRequest),
  mutate: mutateRequest,
  check,
};

async function check(input: Uint8Array): Promise<string> {
  const given = parseRequest(input);
  const disk = await diskOf(GOLDEN);
  const store = await Store.open(FOLDER, { disk });
  const stopping = new AbortController();
  const request = requestOf(given);
  if (request === undefined) return "no request";
  const notices: string[] = [];
  const onNotice = (notice: string) => void notices.push(notice);
  const app = createApp(store, { stopping: stopping.signal, onNotice });
  const before = await ends(store);
  const accept = request.headers.get("accept") ?? "";
  const isStreamed = given.target.includes("wait=") || accept.includes("event-stream");
  const answer = app.fetch(request);
  if (isStreamed) setTimeout(() => stopping.abort(), 2); // nothing comes; it would wait for long
  const response = await answer;
  const body = new Uint8Array(await response.arrayBuffer());
  // What changes a topic is told, and is no fault.
  assert.deepEqual(notices.filter((notice) => !notice.startsWith("audit: ")), []);
  const told = checkAnswer(given, response, body);
  await checkStored(store, { before, appended: told, given });
  await store.close();
  checkVerified(disk);
  return `${response.status}`;
}

function requestOf({ method, target, headers, body }: FuzzRequest): Request | undefined {
  try {
    return new Request(`${ORIGIN}${target}`, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: body.length === 0 ? undefined : body as Uint8Array<ArrayBuffer>,
    });
  } catch (error) {
    assert.ok(error instanceof TypeError);
    return undefined; // no client can send it
  }
}

/** @returns how many records the answer says were appended */
function checkAnswer(given: FuzzRequest, response: Response, body: Uint8Array): number {
  const type = response.headers.get("content-type");
  const text = Buffer.from(body).toString();
  if (response.status >= 400) {
    if (given.method === "HEAD") return 0;
    assert.notEqual(response.status, 500, text);
    if (type === "application/json" && pathOf(given).startsWith("/blobs")) {
      assert.deepEqual(Object.keys(JSON.parse(text)), ["error"]);
      return 0;
    }
    assert.equal(type, "application/problem+json");
    const problem = JSON.parse(text);
    assert.ok(isErrorCode(problem.code) && !FAULTS.includes(problem.code), text);
    assert.equal(problem.status, response.status);
    assert.notEqual(response.status, 500);
    return problem.appended ?? 0;
  }
  assert.ok(response.status >= 200 && response.status <= 304, String(response.status));
  if (given.method === "HEAD") return 0;
  if (/^\/(v1\/kv|blobs)\//.test(pathOf(given))) return writtenBy(given, response, text);
  if (type === "application/x-ndjson") {
    for (const line of text.split("\n")) if (line !== "") JSON.parse(line);
  } else if (type === "application/vnd.seglog.batch") checkBatches(body);
  else if (type === "application/json") return appendedBy(given, JSON.parse(text));
  return 0;
}

function checkBatches(body: Uint8Array): void {
  for (let at = 0; at < body.length;) {
    const batch = decodeBatch(body, at, WIRE_SALT);
    assert.ok(typeof batch !== "string", String(batch));
    assert.ok([...batch.records()].length > 0);
    at += batch.bytes.length;
  }
}

/** A get has a time; a deletion of nothing has no revision. */
type TxResult = { readonly revision: number | null; readonly timestamp?: string } | null;

/** What an answer about keys or blobs says was written. */
function writtenBy(given: FuzzRequest, response: Response, text: string): number {
  const { method } = given;
  const path = pathOf(given);
  const snapshot = /^\/v1\/kv\/[^/]+\/snapshots(\/[^/]+)?$/.exec(path);
  const isSnapshot = snapshot !== null && (method === "POST" || snapshot[1] !== undefined);
  if (method === "GET" || isSnapshot) return 0;
  if (method !== "POST" || path.startsWith("/blobs")) return 1;
  assert.equal(response.status, 200);
  const { results } = JSON.parse(text) as { results: TxResult[] };
  return results.filter((result) => typeof result?.revision === "number" && !result.timestamp)
    .length;
}

function pathOf({ target }: FuzzRequest): string {
  return new URL(`${ORIGIN}${target}`).pathname;
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly records?: number;
}

function appendedBy(
  { method, target }: FuzzRequest,
  answer: Place & { partitions?: Place[]; offset?: number; status?: string },
): number {
  if (method !== "POST") return 0;
  if (answer.status === "ok" && answer.offset !== undefined) return 1;
  if (!/\/records(\?|#|$)/.test(target)) return 0;
  return (answer.partitions ?? [answer])
    .reduce((sum, { start, end, records }) => sum + (records ?? end - start), 0);
}

/** The next offset of each partition. */
async function ends(store: Store): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const { name, id } of await store.listTopics()) {
    for (const { partition, nextOffset } of (await store.describeTopic(name)).partitions) {
      found.set(`${id} ${partition}`, nextOffset);
    }
  }
  return found;
}

/** As many records are there as was told, and all of them can be read. */
async function checkStored(
  store: Store,
  done: { before: ReadonlyMap<string, number>; appended: number; given: FuzzRequest },
): Promise<void> {
  let grown = 0;
  for (const [place, nextOffset] of await ends(store)) {
    grown += nextOffset - (done.before.get(place) ?? 0);
  }
  // A retry is told the offsets of the first try.
  if (isProduced(done.given)) assert.ok(grown <= done.appended);
  else assert.equal(grown, done.appended, "records appended, and told");
  for (const { name, config } of await store.listTopics()) {
    for (let partition = 0; partition < Math.min(config.partitions, 8); partition++) {
      await collect(readRecords(store, name, { partition }));
    }
  }
}

/** Whether anything in it has a producer: by a header, or in a batch, whatever the producer's name. */
function isProduced({ headers, body }: FuzzRequest): boolean {
  return headers.some(([name]) => name.toLowerCase() === "producer-id") || hasProducer(body);
}

function hasProducer(body: Uint8Array): boolean {
  for (let at = 0; at < body.length;) {
    const batch = decodeBatch(body, at, WIRE_SALT);
    if (typeof batch === "string") return false; // what is behind it is not read either
    if (batch.header.hasProducer) return true;
    at += batch.bytes.length;
  }
  return false;
}

function checkVerified(disk: MemoryDisk): void {
  const report = verify(FOLDER, { disk });
  assert.ok(report.ok, JSON.stringify(report.problems));
}

function seeds(): FuzzRequest[] {
  const request = (line: string, body: string | Uint8Array = EMPTY_BYTES, ...headers: string[]) => {
    const [method = "", target = ""] = line.split(" ");
    const pairs = headers.map((header): [string, string] => {
      const colon = header.indexOf(": ");
      return [header.slice(0, colon), header.slice(colon + 2)];
    });
    const bytes = typeof body === "string" ? encodeUtf8(body) : body;
    return { method, target, headers: pairs, body: bytes };
  };
  const json = "content-type: application/json";
  const orders = "/v1/topics/orders";
  const metrics = "/v1/topics/M%C3%A9triques%2F%E2%82%AC";
  const batch = encodeBatch(SAMPLES, { nowMs: 5 });
  const producedBy = (id: string, sequence: number) =>
    encodeBatch(SAMPLES.slice(0, 2), { nowMs: 5, producer: { id, epoch: 2, sequence } });
  const produced = producedBy("till-1", 24);
  const fresh = producedBy("till-9", 0);
  const batches = "content-type: application/vnd.seglog.batch";
  return [
    request(`POST ${orders}/records`, '{"key":"u1","value":{"qty":2},"headers":{"a":"b"}}', json),
    request(`POST ${orders}/records?partition=0`, '[{"value":"a"},{"value":null,"key":"k"}]', json),
    request(
      `POST ${metrics}/records`,
      '{"value":1,"key":"a"}\n{"value":"b","partition":1}\n\n{"type":"bytes","value":"AA=="}\n',
      "content-type: application/x-ndjson",
    ),
    request(
      `POST ${orders}/records?key=k&type=text`,
      "a value",
      "content-type: application/octet-stream",
      "seglog-if-offset: 49",
    ),
    request(`POST ${orders}/records`, batch, batches),
    request(`POST ${metrics}/records?partition=1`, concatBytes([produced, batch]), batches),
    request(`POST ${orders}/records`, concatBytes([fresh, fresh]), batches),
    request(
      `POST ${orders}/records`,
      '{"value":"p"}',
      json,
      "producer-id: till-1",
      "producer-epoch: 2",
      "producer-seq: 24",
      "seglog-sync: os",
    ),
    request(`GET ${orders}/records?from=15&limit=5`),
    request(`GET ${orders}/records?from=-3&until=end&reverse=true`),
    request(`GET ${orders}/records?from=end&wait=1s`),
    request(`GET ${orders}/records?from=16&key=k`, undefined, "accept: application/x-ndjson"),
    request(
      `GET ${orders}/records?from=20&maxBytes=999`,
      undefined,
      batches.replace("content-type", "accept"),
    ),
    request(
      `GET ${orders}/records?from=40`,
      undefined,
      "accept: text/event-stream",
      "last-event-id: 45",
    ),
    request(`GET ${orders}/records/20`),
    request(`GET ${metrics}/records/0?partition=1`, undefined, "accept: application/octet-stream"),
    request(`GET ${orders}/bounds`),
    request(`GET ${orders}/offset?time=2026-11-20T12:00Z`),
    request(`POST ${orders}/truncate`, '{"before":20}', json),
    request(`POST ${orders}/truncate`, '{"after":30,"partition":0}', json),
    request(`POST ${orders}/flush`),
    request("GET /v1/topics"),
    request(`GET ${metrics}`),
    request("PUT /v1/topics/new", '{"partitions":2,"compression":"gzip","retentionMs":null}', json),
    request(`PATCH ${orders}`, '{"retentionRecords":5,"sync":"interval:200ms"}', json),
    request(`DELETE ${metrics}`),
    request("POST /publish", '{"data":{"a":1},"data_type":0,"partition_key":"orders"}', json),
    request("POST /publish", '{"data":"aGk=","data_type":1,"partition_key":"a b"}'),
    request("GET /read?partition=orders&offset=20"),
    request("PUT /v1/kv/orders/k%2F1", '{"qty": 2}', json),
    request("PUT /v1/kv/new/a/b", "text", "content-type: text/plain", "if-none-match: *"),
    request("PUT /v1/kv/orders/k", "x", 'if-match: "48"'),
    request("DELETE /v1/kv/orders/k", undefined, "if-match: *"),
    request("GET /v1/kv/orders/k", undefined, 'if-none-match: "3", W/"48"'),
    request("GET /v1/kv/orders?prefix=k&limit=2&reverse=true"),
    request("GET /v1/kv/orders?start=a&end=z&after=k&keys=true"),
    request("GET /v1/kv/orders", undefined, "accept: application/x-ndjson"),
    request("GET /v1/kv/orders?from=20", undefined, "accept: text/event-stream"),
    request("GET /v1/kv/orders/k?from=20", undefined, "accept: text/event-stream"),
    request(
      "POST /v1/kv/orders/tx",
      '{"checks":[{"key":"none","revision":null}],"operations":[{"op":"get","key":"k"},' +
        '{"op":"set","key":"n","value":{"a":1}},{"op":"set","key":"b","type":"bytes","value":"AA=="},' +
        '{"op":"delete","key":"k"}]}',
      json,
    ),
    request("POST /v1/kv/new/tx", '{"isolation":"snapshot","operations":[]}', json),
    request("POST /v1/kv/orders/snapshots", '{"ttlMs":1000}', json),
    request("GET /v1/kv/orders/snapshots/0123"),
    request("PUT /blobs/a/b.bin", "a blob", 'if-match: "00000000"'),
    request("POST /blobs/a%2Fb", "a blob"),
    request("GET /blobs?prefix=a&limit=5"),
    request("GET /blobs/a", undefined, "range: bytes=0-1", 'if-range: "00000000"'),
    request("DELETE /blobs/a"),
    request("GET /health"),
    request("GET /metrics"),
    request("GET /openapi.json"),
  ];
}
