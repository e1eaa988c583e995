/**
 * Files are damaged beneath a server that runs. Whatever way records are asked for, those offsets
 * are an explicit error, all others come, and appends go on.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { BATCH_MAGIC } from "../../core/format/batch_header.ts";
import {
  type Backend,
  connect,
  type Disk,
  MemoryDisk,
  nodeDisk,
  readRecords,
  SeglogError,
  Store,
} from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { eventsOf } from "../server/event_reader.ts";
import { rawRequest } from "../server/raw_client.ts";
import { tempDir } from "../support/temp_dir.ts";

const RECORDS = "/v1/topics/orders/records";
/** What is seen of ten records with damage to some: offsets, and ranges that are told as lost. */
const SEEN = ["0", "[1, 2)", "2", "3", "[4, 5)", "5", "[6, 8)", "[8, 9)", "9"];

for (const kind of ["a folder", "memory"] as const) {
  describe(`damage under a live server, in ${kind}, is told for its offsets only`, () => {
    test("by pages of JSON, in both directions", () =>
      onDamagedServer(kind, async ({ url }) => {
        assert.deepEqual(await around((from) => page(url, { from })), SEEN);
        const backwards = await aroundInReverse((until) => page(url, { until }));
        assert.deepEqual(backwards, SEEN.toReversed());
      }));

    test("by streamed lines", () =>
      onDamagedServer(kind, async ({ port }) => {
        assert.deepEqual(await around((from) => lines(port, from)), SEEN);
      }));

    test("by events", () =>
      onDamagedServer(kind, async ({ url }) => {
        assert.deepEqual(await around((from) => events(url, from)), SEEN);
      }));

    test("by encoded batches that the client reads, in both directions", () =>
      onDamagedServer(kind, async ({ url }) => {
        await using backend = await connect(url);
        assert.deepEqual(await around((from) => records(backend, { from })), SEEN);
        const backwards = await aroundInReverse((until) => {
          return records(backend, { until, reverse: true });
        });
        assert.deepEqual(backwards, SEEN.toReversed());
      }));

    test("by single records", () =>
      onDamagedServer(kind, async ({ url }) => {
        const lost = new Map([[1, [1, 2]], [4, [4, 5]], [6, [6, 8]], [7, [6, 8]], [8, [8, 9]]]);
        for (let offset = 0; offset < 10; offset++) {
          for (const accept of ["application/json", "application/octet-stream"]) {
            const response = await fetch(`${url}${RECORDS}/${offset}`, { headers: { accept } });
            const body = await response.text();
            if (lost.has(offset)) assert.deepEqual(problemIn(response, body), lost.get(offset));
            else assert.equal(response.status, 200, body);
          }
        }
      }));

    test("by looking for a time", () =>
      onDamagedServer(kind, async ({ url }) => {
        const at = (time: number) => fetch(`${url}/v1/topics/orders/offset?time=${time}`);
        assert.equal((await (await at(1000)).json()).offset, 0);
        const response = await at(2000);
        assert.deepEqual(problemIn(response, await response.text()), [1, 2]);
        assert.equal((await (await at(3000)).json()).offset, 2);
      }));

    test("and appends go on, and other topics know nothing of it", () =>
      onDamagedServer(kind, async ({ url }) => {
        await using backend = await connect(url);
        assert.equal((await backend.append("orders", [{ value: "new" }])).start, 10);
        const seen = await around((from) => records(backend, { from }));
        assert.deepEqual(seen, [...SEEN, "10"]);
        assert.equal((await backend.bounds("orders")).nextOffset, 11);
        assert.equal((await backend.append("others", [{ value: "whole" }])).start, 0);
        assert.deepEqual((await records(backend, { topic: "others" })).offsets, [0]);
      }));
  });
}

/** Serves ten records in five segments, damages the files beneath, and runs a test on it. */
async function onDamagedServer(
  kind: "a folder" | "memory",
  run: (running: { url: string; port: number }) => Promise<void>,
): Promise<void> {
  await using dir = tempDir();
  const disk = kind === "memory" ? new MemoryDisk() : nodeDisk;
  await using store = await Store.open(dir.path, { disk });
  await store.ensureTopic("orders", { segmentBytes: 4096 });
  await using server = await serve(store, { port: 0 });
  for (let i = 0; i < 10; i++) {
    await store.append("orders", [{ value: `${i}`.repeat(1500), timestamp: 1000 * (i + 1) }]);
  }
  const segment = (baseOffset: number) =>
    join(dir.path, "orders-0", `${String(baseOffset).padStart(20, "0")}.log`);
  overwrite(disk, segment(0), { batch: 1, at: 20 }, Uint8Array.of(0xee)); // its header
  overwrite(disk, segment(4), { batch: 0, at: 800 }, Uint8Array.of(0xee)); // its payload
  overwrite(disk, segment(6), { at: 20 }, Uint8Array.of(0xee)); // the header of the segment
  overwrite(disk, segment(8), { batch: 0, at: 0 }, new Uint8Array(64)); // of the active one
  await run(server);
}

/** Overwrites bytes of a file, counted from its start or from a batch of it. */
function overwrite(
  disk: Disk,
  path: string,
  { batch, at }: { batch?: number; at: number },
  bytes: Uint8Array,
): void {
  const file = disk.open(path, "write");
  const content = new Uint8Array(file.size());
  file.read(content, 0);
  const text = new TextDecoder("latin1").decode(content);
  const magic = new TextDecoder("latin1").decode(BATCH_MAGIC);
  let start = 0;
  for (let i = 0; batch !== undefined && i <= batch; i++) start = text.indexOf(magic, start + 1);
  assert.ok(start >= 0);
  file.write(bytes, start + at);
  file.close();
}

/** What one request gave: offsets, then the range of the error that ended it, if one did. */
interface Attempt {
  readonly offsets: readonly number[];
  readonly lost?: readonly number[];
  /** Where the next attempt starts, or ends in reverse, when it is not for the offsets to say. */
  readonly next?: number;
}

/** Reads to the end, going on behind each error. */
async function around(read: (from: number) => Promise<Attempt>): Promise<string[]> {
  const seen: string[] = [];
  for (let from = 0;;) {
    const { offsets, lost, next } = await read(from);
    seen.push(...offsets.map(String));
    if (lost !== undefined) seen.push(`[${lost[0]}, ${lost[1]})`);
    const goOn = lost?.[1] ?? next;
    if (goOn === undefined || goOn === from) return seen;
    from = goOn;
  }
}

/** Reads back to the start, going on before each error. */
async function aroundInReverse(read: (until: number) => Promise<Attempt>): Promise<string[]> {
  const seen: string[] = [];
  for (let until = 10; until > 0;) {
    const { offsets, lost, next } = await read(until);
    seen.push(...offsets.map(String));
    if (lost !== undefined) seen.push(`[${lost[0]}, ${lost[1]})`);
    until = lost?.[0] ?? next ?? 0;
  }
  return seen;
}

async function page(
  url: string,
  range: { readonly from?: number; readonly until?: number },
): Promise<Attempt> {
  const query = range.from === undefined
    ? `reverse=true&until=${range.until}`
    : `from=${range.from}`;
  const response = await fetch(`${url}${RECORDS}?${query}`);
  const body = await response.text();
  if (response.status !== 200) return { offsets: [], lost: problemIn(response, body) };
  const { records, next } = JSON.parse(body);
  return { offsets: records.map(({ offset }: { offset: number }) => offset), next };
}

/** Byte by byte: some clients drop what came before a connection was cut. */
async function lines(port: number, from: number): Promise<Attempt> {
  const answer = await rawRequest(
    port,
    `GET ${RECORDS}?from=${from} HTTP/1.1\r\nAccept: application/x-ndjson`,
  );
  const shapes = answer.split(/\r?\n/).filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
  if (/^HTTP\/1.1 500 /.test(answer)) {
    const { code, start, end } = shapes[0];
    assert.equal(code, "corrupt");
    return { offsets: [], lost: [start, end] };
  }
  const error = shapes.at(-1)?.error;
  const isWhole = answer.endsWith("\r\n0\r\n\r\n");
  assert.equal(isWhole, error === undefined, "an answer that fails does not end well");
  if (error === undefined) return { offsets: shapes.map(({ offset }) => offset) };
  assert.equal(error.code, "corrupt");
  const offsets = shapes.slice(0, -1).map(({ offset }) => offset);
  return { offsets, lost: [error.start, error.end] };
}

async function events(url: string, from: number): Promise<Attempt> {
  const headers = { accept: "text/event-stream" };
  const response = await fetch(`${url}${RECORDS}?from=${from}&until=10`, { headers });
  assert.equal(response.status, 200);
  const offsets: number[] = [];
  for await (const { event, data } of eventsOf(response)) {
    if (event === "message") offsets.push(JSON.parse(data).offset);
    if (event === "end") return { offsets };
    if (event !== "error") continue;
    const { code, start, end } = JSON.parse(data);
    assert.equal(code, "corrupt");
    return { offsets, lost: [start, end] };
  }
  assert.fail("a stream of events ends with one that says why");
}

async function records(
  backend: Backend,
  range: { from?: number; until?: number; reverse?: boolean; topic?: string },
): Promise<Attempt> {
  const offsets: number[] = [];
  try {
    for await (const { offset } of readRecords(backend, range.topic ?? "orders", range)) {
      offsets.push(offset);
    }
    return { offsets };
  } catch (error) {
    assert.ok(error instanceof SeglogError && error.code === "corrupt", String(error));
    return { offsets, lost: [Number(error.details.start), Number(error.details.end)] };
  }
}

/** The offsets that a problem names. */
function problemIn(response: Response, body: string): number[] {
  assert.equal(response.status, 500, body);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { code, retryable, start, end } = JSON.parse(body);
  assert.deepEqual([code, retryable], ["corrupt", false]);
  return [start, end];
}
