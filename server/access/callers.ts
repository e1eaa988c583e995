/**
 * Requests that a page in somebody's browser makes without their knowing.
 *
 * A page of any site can send requests to a server that only this machine or this network reaches.
 * A browser says from where: in `Origin`, or in `Sec-Fetch-Site`. Where the page has made its own
 * name point to the server (DNS rebinding), it is of the same origin for the browser; but then the
 * request is for that name, in `Host`. So a server answers for the names that are its own, and for
 * addresses, which no page can make its own; and it answers pages of its own or of allowed origins.
 * What is no browser sends none of that, and is not concerned.
 *
 * @module
 */
import { isIP } from "node:net";
import { SeglogError } from "../../core/base/errors.ts";

/** Whom a server answers. */
export interface CallerRules {
  /**
   * Names of the server besides `localhost`, in lower case: a name, `*.` and a name for all below it,
   * or `*` for any.
   */
  readonly hosts: readonly string[];
  /** Origins whose pages may ask, such as `https://app.example`; `*` for any. */
  readonly origins: readonly string[];
  /** Whether the server has proved to be of this name: then nobody else's page is. */
  readonly isOwnName?: ((name: string) => boolean) | undefined;
}

/** What a request says of where it is from, and whom it is for. */
export interface CallerFacts {
  readonly method: string;
  /** The header `Host`, or `:authority`. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** `Sec-Fetch-Site` */
  readonly site: string | undefined;
  /** `Sec-Fetch-Dest` */
  readonly destination: string | undefined;
}

/**
 * What a request says, over HTTP/1 or HTTP/2.
 *
 * @param header the value of a header, by its name in lower case
 */
export function callerFactsOf(
  method: string,
  header: (name: string) => string | undefined,
): CallerFacts {
  return {
    method,
    host: header(":authority") ?? header("host"),
    origin: header("origin"),
    site: header("sec-fetch-site"),
    destination: header("sec-fetch-dest"),
  };
}

/** A server that is asked under no other names, by no pages but its own. */
export const OWN_PAGES_ONLY: CallerRules = { hosts: [], origins: [] };

/**
 * Reads what is allowed as it is typed.
 *
 * @throws {SeglogError} `invalid-argument` for what is no name of a host, or no origin
 */
export function callerRules(
  { hosts = [], origins = [] }: {
    readonly hosts?: readonly string[] | undefined;
    readonly origins?: readonly string[] | undefined;
  },
): CallerRules {
  return { hosts: hosts.map(checkedHost), origins: origins.map(checkedOrigin) };
}

/** Refuses a request that a foreign page may have made. @throws {SeglogError} `forbidden` */
export function checkCaller(rules: CallerRules, facts: CallerFacts): void {
  const { host, origin } = facts;
  if (host !== undefined && !isOwnHost(rules, host)) {
    throw new SeglogError(
      "forbidden",
      `Cannot answer for host ${shown(host)}: it is none of the server's names; ` +
        "whoever runs it can allow it with --allow-host",
    );
  }
  if (origin !== undefined) {
    if (isOwnOrigin(origin, host) || isAllowedOrigin(rules, origin)) return;
    throw new SeglogError(
      "forbidden",
      `Cannot answer a page of ${shown(origin)}: it is another site; ` +
        "whoever runs the server can allow it with --allow-origin",
    );
  }
  if (isForeign(facts)) {
    throw new SeglogError("forbidden", "Cannot answer a page of another site");
  }
}

/** Whether pages of this origin may ask, and read the answers. */
export function isAllowedOrigin({ origins }: CallerRules, origin: string): boolean {
  return origins.includes(origin) || origins.includes("*");
}

/** Hosts that were looked at and are taken by any server: most requests are for the same one. */
const takenByAll = new Set<string>();
const TAKEN_MAX = 64;

function isOwnHost({ hosts, isOwnName }: CallerRules, host: string): boolean {
  if (takenByAll.has(host)) return true;
  const name = nameOf(host);
  if (name === undefined) return false;
  if (name === "localhost" || name.endsWith(".localhost") || isIP(name) !== 0) {
    if (takenByAll.size < TAKEN_MAX) takenByAll.add(host);
    return true;
  }
  return hosts.some((allowed) => fits(allowed, name)) || isOwnName?.(name) === true;
}

function fits(allowed: string, name: string): boolean {
  if (allowed === "*" || allowed === name) return true;
  return allowed.startsWith("*.") && name.length >= allowed.length &&
    name.endsWith(allowed.slice(1));
}

/** The name without port, brackets, and the dot at the end, in lower case. */
function nameOf(host: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([\da-f:.]+)\]|([^[\]:/@?#\\\s]+?)\.?)(?::\d{0,5})?$/i
    .exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/** Whether a page is the server's own: the same host and port. A proxy may have added the TLS. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: page } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  const asked = `${protocol}//${host}`;
  return URL.canParse(asked) && new URL(asked).host === page;
}

/** To follow a link from another site is no harm: nobody but the person reads what it shows. */
function isForeign({ method, site, destination }: CallerFacts): boolean {
  if (site === undefined || site === "same-origin" || site === "none") return false;
  return !((method === "GET" || method === "HEAD") && destination === "document");
}

function checkedHost(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, "");
  const isName = /^(\*\.)?[a-z\d_]([a-z\d_-]*[a-z\d_])?(\.[a-z\d_]([a-z\d_-]*[a-z\d_])?)*$/;
  if (name === "*" || isName.test(name)) return name;
  throw new SeglogError(
    "invalid-argument",
    `Cannot allow host ${shown(text)}: give a name without a port, such as log.example, ` +
      "or *.example for all names below one; addresses are always allowed",
  );
}

function checkedOrigin(text: string): string {
  if (text === "*") return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text.toLowerCase()) {
    return url.origin;
  }
  throw new SeglogError(
    "invalid-argument",
    `Cannot allow origin ${shown(text)}: give scheme, host and port, and nothing behind them, ` +
      `such as ${url !== undefined && url.origin !== "null" ? url.origin : "https://app.example"}`,
  );
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
