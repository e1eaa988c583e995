/**
 * From the URL of a server to a backend.
 *
 * @module
 */
import type { Capabilities } from "../core/backend.ts";
import { FIRST_TRY_MS, isAway } from "../core/base/absence.ts";
import { SeglogError } from "../core/base/errors.ts";
import { jsonOf } from "./answers.ts";
import { HttpBackend } from "./http_backend.ts";
import { type Request, Requests } from "./requests.ts";
import type { ConnectOptions } from "./connect.ts";
import { Transport, type TransportOptions } from "./transport.ts";

const TIMEOUT_MS = 30_000;
const RETRIES = 5;
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 3000;
/** What is presumed of a server that has not answered yet. */
const ORDINARY: Capabilities = { kind: "http", canWrite: true, canTruncateAfter: true };

/**
 * Connects to a seglog server, as {@linkcode connect} says.
 *
 * @throws {SeglogError} `invalid-argument`, `unavailable`, `unauthenticated`, `unsupported`,
 * `condition-failed`
 */
export async function connectHttp(
  url: string,
  options: ConnectOptions = {},
): Promise<HttpBackend> {
  const base = checkedUrl(url);
  const { timeoutMs = TIMEOUT_MS, asReplica = false, mayBeAway = false } = options;
  const transport = new Transport(base, {
    timeoutMs,
    headers: {
      ...credentialsOf(options),
      ...asReplica ? { "seglog-replica": "true" } : {},
      ...options.headers,
    },
    ...await fetchFor(base, options),
  });
  const policy = {
    retries: options.retries ?? RETRIES,
    pauseMs: PAUSE_MS,
    pauseMsMax: PAUSE_MS_MAX,
  };
  const onNotice = options.onNotice ?? (() => {});
  const requests = new Requests(base, { transport, policy, onNotice, epoch: options.epoch });
  const soon = {
    timeoutMs: Math.min(FIRST_TRY_MS, timeoutMs),
    policy: { ...policy, retries: 0 },
  };
  let capabilities = ORDINARY;
  const ask = async () => {
    capabilities = await capabilitiesOf(base, requests, mayBeAway ? soon : {});
  };
  try {
    await ask();
  } catch (error) {
    if (!mayBeAway || !isAway(error)) {
      transport.close();
      throw error;
    }
    requests.awaitServer(error, ask);
  }
  return new HttpBackend(requests, () => asReplica ? readOnly(capabilities) : capabilities);
}

/** What makes the requests; the code for certificates of one's own is loaded where there are some. */
async function fetchFor(
  base: string,
  { fetch: given, tls }: ConnectOptions,
): Promise<Pick<TransportOptions, "fetch" | "close">> {
  if (given !== undefined) return { fetch: given };
  if (tls === undefined) return { fetch: (target, init) => fetch(target, init) };
  if (!base.startsWith("https:")) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot use certificates with ${base}: they are for an https URL`,
    );
  }
  const { httpsFetch } = await import("./https_fetch.ts");
  return httpsFetch(tls);
}

function credentialsOf({ token }: ConnectOptions): Record<string, string> {
  if (token === undefined) return {};
  // Anything else would not be one header.
  if (/^[\x21-\x7e]+$/.test(token)) return { authorization: `Bearer ${token}` };
  throw new SeglogError(
    "invalid-argument",
    "Cannot use a token that is empty, or has spaces, line breaks or letters that are not ASCII",
  );
}

async function capabilitiesOf(
  base: string,
  requests: Requests,
  how: Pick<Request, "timeoutMs" | "policy">,
): Promise<Capabilities> {
  try {
    const about = jsonOf<Capabilities & { name?: string; batchFormat?: number }>(
      await requests.read({ method: "GET", path: "/v1", isFirst: true, ...how }),
    );
    if (about.name === "seglog" && about.batchFormat === 1) {
      const { canWrite, canTruncateAfter } = about;
      return { kind: "http", canWrite, canTruncateAfter };
    }
  } catch (error) {
    if (error instanceof SeglogError && error.code !== "not-found") throw error;
  }
  throw new SeglogError(
    "unsupported",
    `Cannot use ${base}: what answers there is not a seglog server of this version`,
  );
}

/** What is left to who reads as a replica does. */
function readOnly({ kind }: Capabilities): Capabilities {
  return { kind, canWrite: false, canTruncateAfter: false };
}

function checkedUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed !== undefined && /^https?:$/.test(parsed.protocol) &&
    parsed.username === "" && parsed.password === "" && parsed.search === "" && parsed.hash === "";
  if (isPlain) return parsed.href.replace(/\/+$/, "");
  throw new SeglogError(
    "invalid-argument",
    `Cannot connect to ${JSON.stringify(url.slice(0, 200))}: ` +
      "give a URL such as http://127.0.0.1:8080, without a user, a query or a fragment",
  );
}
