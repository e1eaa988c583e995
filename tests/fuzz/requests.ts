/**
 * HTTP requests as bytes that can be kept, read and changed: a line with method and target, lines of
 * headers, an empty line, the body.
 *
 * @module
 */
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../core/base/bytes.ts";
import { WIRE_SALT } from "../../core/format/batch_header.ts";
import type { Random } from "../support/random.ts";
import { mutateBatch } from "./batches.ts";
import { edge, mutateBytes } from "./bytes.ts";
import { type Json, mutateJson } from "./json.ts";

/** A request taken apart. */
export interface FuzzRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TOPICS = [
  ...["orders", "M%C3%A9triques%2F%E2%82%AC", "empty", "nothing", ".;", "..;", "..%2F..%2Fetc"],
  ...[
    "%",
    "%zz",
    "%00",
    "%FF",
    "a%0Ab",
    "__x",
    "A",
    "%F0%9F%98%80",
    "x".repeat(201),
    "a%252Fb",
    "",
  ],
];
const VALUES = [
  ...[
    "0",
    "1",
    "-1",
    "-3",
    "15",
    "47",
    "48",
    "49",
    "50",
    "start",
    "end",
    "@0",
    "@-1h",
    "@2026-11-20",
  ],
  ...[
    "1e3",
    "0x10",
    " 1",
    "9007199254740991",
    "9007199254740992",
    "99999999999999999999",
    "NaN",
    "",
  ],
  ...[
    "true",
    "false",
    "TRUE",
    "0s",
    "1ms",
    "99999s",
    "always",
    "os",
    "interval:5ms",
    "%00",
    "+",
    "😀",
  ],
];
const PARAMETERS = [
  ...["partition", "from", "until", "limit", "wait", "reverse", "key", "type", "offset", "time"],
  ...["maxBytes", "unknown", "__proto__"],
];
const HEADERS: readonly (readonly [string, string])[] = [
  ...["application/json", "application/x-ndjson", "application/octet-stream", "text/plain", "*/*"]
    .concat(["application/vnd.seglog.batch", "text/event-stream", "a/b;q=0", "application/*;q=0.5"])
    .flatMap((type): [string, string][] => [["content-type", type], ["accept", type]]),
  ["content-encoding", "gzip"],
  ["content-length", "3"],
  ["origin", "http://example.com"],
  ["seglog-if-offset", "49"],
  ["seglog-sync", "os"],
  ["seglog-key", "u\u00e9"],
  ["producer-id", "till-1"],
  ["producer-epoch", "2"],
  ["producer-seq", "24"],
  ["last-event-id", "20"],
];

/** The request in these bytes. */
export function parseRequest(bytes: Uint8Array): FuzzRequest {
  const end = endOfHead(bytes);
  const [line = "", ...lines] = decodeUtf8(bytes.subarray(0, end)).split("\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = lines.flatMap((header): [string, string][] => {
    const colon = header.indexOf(":");
    return colon < 0 ? [] : [[header.slice(0, colon), header.slice(colon + 1).trim()]];
  });
  return { method, target, headers, body: bytes.subarray(Math.min(bytes.length, end + 2)) };
}

/** The bytes of a request. */
export function encodeRequest({ method, target, headers, body }: FuzzRequest): Uint8Array {
  const lines = [`${method} ${target}`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return concatBytes([encodeUtf8(`${lines.join("\n")}\n\n`), body]);
}

/** A request with something different. */
export function mutateRequest(random: Random, bytes: Uint8Array): Uint8Array {
  const request = parseRequest(bytes);
  switch (random.below(10)) {
    case 0:
      return encodeRequest({ ...request, method: random.pick(METHODS) });
    case 1:
    case 2:
      return encodeRequest({ ...request, target: otherTarget(random, request.target) });
    case 3:
    case 4:
      return encodeRequest({ ...request, headers: otherHeaders(random, request.headers) });
    default:
      return encodeRequest({ ...request, body: otherBody(random, request) });
  }
}

function otherTarget(random: Random, target: string): string {
  const [path = "", query] = target.split("?");
  switch (random.below(5)) {
    case 0: {
      const segments = path.split("/");
      return [segments.with(random.below(segments.length), random.pick(TOPICS)).join("/"), query]
        .filter((part) => part !== undefined).join("?");
    }
    case 1:
      return `${target}${query === undefined ? "?" : "&"}${parameter(random)}`;
    case 2:
      return `${path}?${parameter(random)}&${parameter(random)}`;
    case 3:
      return path + random.pick(["/", "//", "/records", "?", "#x", "/0", "/..", ";x"]);
    default:
      return (query ?? "").split("&").filter(() => random.chance(0.7))
        .reduce((whole, part, i) => whole + (i === 0 ? "?" : "&") + part, path);
  }
}

function parameter(random: Random): string {
  return `${random.pick(PARAMETERS)}=${random.chance(0.2) ? edge(random) : random.pick(VALUES)}`;
}

function otherHeaders(random: Random, headers: FuzzRequest["headers"]): FuzzRequest["headers"] {
  const at = random.below(headers.length);
  switch (random.below(headers.length === 0 ? 1 : 3)) {
    case 0:
      return [...headers, random.pick(HEADERS)];
    case 1:
      return headers.toSpliced(at, 1);
    default:
      return headers.with(at, [headers[at]![0], String(random.pick([...VALUES, edge(random)]))]);
  }
}

function otherBody(random: Random, { headers, body }: FuzzRequest): Uint8Array {
  const type = headers.find(([name]) => name === "content-type")?.[1];
  if (random.chance(0.15)) return mutateBytes(random, body);
  if (type === "application/vnd.seglog.batch") {
    const changed = mutateBatch(random, body, WIRE_SALT);
    return random.chance(0.2) ? concatBytes([changed, body]) : changed;
  }
  const lines = decodeUtf8(body).split("\n");
  const at = random.below(lines.length);
  if (type === "application/x-ndjson" && random.chance(0.3)) {
    const other = random.chance(0.5) ? lines.toSpliced(at, 0, lines[at]!) : lines.toSpliced(at, 1);
    return encodeUtf8(other.join("\n"));
  }
  try {
    const changed = mutateJson(random, JSON.parse(lines[at]!) as Json);
    return encodeUtf8(lines.with(at, JSON.stringify(changed)).join("\n"));
  } catch {
    return mutateBytes(random, body);
  }
}

function endOfHead(bytes: Uint8Array): number {
  for (let at = 0; at + 1 < bytes.length; at++) {
    if (bytes[at] === 0x0a && bytes[at + 1] === 0x0a) return at;
  }
  return bytes.length;
}
