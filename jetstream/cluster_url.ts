/**
 * The address of a cluster, as people write it: servers, who is asking, and how streams are kept.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

/** How the servers keep what is written. */
export type StreamStorage = "file" | "memory";

/** What a URL such as `nats://a:4222,b:4222/?replicas=3` says. */
export interface ClusterUrl {
  /** The servers, as `host:port`; any of them leads to the others. */
  readonly servers: readonly string[];
  /** Whether every connection is encrypted from its start. */
  readonly isTls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** What the names of all streams and subjects begin with. */
  readonly prefix: string;
  /** Servers that have each stream, of those that are made. */
  readonly replicas: 1 | 3 | 5;
  /** Where they have it. */
  readonly storage: StreamStorage;
}

const PORT = 4222;
const PREFIX = /^[A-Za-z0-9_-]{1,32}$/;
const PARAMETERS = ["prefix", "replicas", "storage"];

/** Whether a text is the address of a cluster, and not of anything else. */
export function isClusterUrl(text: string): boolean {
  return /^(nats|tls):\/\//i.test(text);
}

/**
 * Takes the address of a cluster apart.
 *
 * @param text `nats://` or `tls://`, a user and a password or a token with `@` behind, servers with
 * commas between them, and after `/?` parameters: `prefix` (letters, digits, `-` and `_`; `seglog`),
 * `replicas` (1, 3 or 5; 1), `storage` (`file` or `memory`; `file`)
 * @throws {SeglogError} `invalid-argument`, saying what it may be
 */
export function parseClusterUrl(text: string): ClusterUrl {
  const [, scheme, login, hosts, query] =
    /^(nats|tls):\/\/(?:([^@/?#]*)@)?([^@/?#]+)\/?(?:\?([^#@]*))?$/i.exec(text) ?? [];
  if (scheme === undefined || hosts === undefined) {
    throw refusal(text, "give servers such as nats://127.0.0.1:4222 or nats://a:4222,b:4222");
  }
  const parameters = new URLSearchParams(query ?? "");
  for (const name of parameters.keys()) {
    if (PARAMETERS.includes(name)) continue;
    throw refusal(text, `"${name}" is no parameter; there are ${PARAMETERS.join(", ")}`);
  }
  const prefix = parameters.get("prefix") ?? "seglog";
  if (!PREFIX.test(prefix)) {
    throw refusal(text, "prefix has 1 to 32 letters, digits, dashes and underscores");
  }
  return {
    servers: hosts.split(",").map((host) => serverOf(host, text)),
    isTls: scheme.toLowerCase() === "tls",
    ...loginOf(login, text),
    prefix,
    replicas: oneOf(text, "replicas", Number(parameters.get("replicas") ?? 1), [1, 3, 5]),
    storage: oneOf(text, "storage", parameters.get("storage") ?? "file", ["file", "memory"]),
  };
}

/** The address as it may be shown: without what somebody logs in with. */
export function shownUrl(text: string): string {
  return text.replace(/\/\/.*@/s, "//").slice(0, 200); // also where it is not percent-encoded
}

function serverOf(host: string, text: string): string {
  const url = URL.canParse(`tcp://${host}`) ? new URL(`tcp://${host}`) : undefined;
  if (url === undefined || url.hostname === "") {
    throw refusal(text, `${JSON.stringify(host)} is no server: give host or host:port`);
  }
  return `${url.hostname}:${url.port === "" ? PORT : url.port}`;
}

function loginOf(
  login: string | undefined,
  text: string,
): Pick<ClusterUrl, "user" | "password" | "token"> {
  if (login === undefined || login === "") return {};
  const colon = login.indexOf(":");
  try {
    if (colon < 0) return { token: decodeURIComponent(login) };
    return {
      user: decodeURIComponent(login.slice(0, colon)),
      password: decodeURIComponent(login.slice(colon + 1)),
    };
  } catch {
    throw refusal(text, "what stands before @ is not percent-encoded as in a URL");
  }
}

function oneOf<T>(text: string, name: string, given: unknown, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === given);
  if (found !== undefined) return found;
  throw refusal(text, `${name} is one of ${allowed.join(", ")}`);
}

function refusal(text: string, why: string): SeglogError {
  return new SeglogError(
    "invalid-argument",
    `Cannot use ${JSON.stringify(shownUrl(text))} as the address of a cluster: ${why}`,
  );
}
