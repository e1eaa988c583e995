/**
 * The first connection to a cluster: to one of its servers, as whoever connects.
 *
 * @module
 */
import { credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { readFile } from "node:fs/promises";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { ClusterUrl } from "./cluster_url.ts";
import { asSeglogError } from "./nats_errors.ts";
import { connectHeard } from "./transport.ts";

/** Who connects, and how long that may take. */
export interface DialOptions {
  /**
   * How long to try before giving up, in milliseconds; 30 s unless given. To connect, a server has that
   * long, and 5 s at the most.
   */
  readonly timeoutMs?: number | undefined;
  /** A file with credentials, as `nsc` makes it. */
  readonly credentials?: string | undefined;
  /** A token, where the URL does not log in. */
  readonly token?: string | undefined;
  /** Which authority to trust, and a certificate to show, as PEM. */
  readonly tls?:
    | { readonly ca?: string; readonly cert?: string; readonly key?: string }
    | undefined;
}

/** How long a server may take for it, at the most. */
const CONNECT_MS = 5000;
const RECONNECT_MS = 200;
/** After two of these without an answer, a connection counts as lost. */
const PING_MS = 5000;

/** Connects to one of the servers. @throws {SeglogError} `unavailable`, `unauthenticated`, … */
export async function dial(url: ClusterUrl, options: DialOptions): Promise<NatsConnection> {
  const { servers, user, password } = url;
  const token = url.token ?? (user === undefined ? options.token : undefined);
  try {
    return await connectHeard({
      servers: [...servers],
      name: "seglog",
      timeout: Math.min(CONNECT_MS, options.timeoutMs ?? CONNECT_MS),
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true, // who is refused now may be let in again
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS,
      pingInterval: PING_MS,
      ...user === undefined ? {} : { user },
      ...password === undefined ? {} : { pass: password },
      ...token === undefined ? {} : { token },
      ...await credentialsOf(options.credentials),
      ...tlsOf(url, options),
    });
  } catch (error) {
    throw asSeglogError(error, `connect to ${servers.join(", ")}`);
  }
}

function tlsOf({ isTls }: ClusterUrl, { tls }: DialOptions) {
  if (tls !== undefined && !isTls) {
    throw new SeglogError(
      "invalid-argument",
      "Cannot use certificates with a nats:// URL: they are for tls://",
    );
  }
  if (!isTls) return {};
  const { ca, cert, key } = tls ?? {};
  return {
    tls: {
      ...ca === undefined ? {} : { ca },
      ...cert === undefined ? {} : { cert },
      ...key === undefined ? {} : { key },
    },
  };
}

async function credentialsOf(file: string | undefined) {
  if (file === undefined) return {};
  try {
    const authenticator = credsAuthenticator(new Uint8Array(await readFile(file)));
    authenticator("any"); // it looks into the file only when it is asked
    return { authenticator };
  } catch (error) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot use ${file} as credentials: ${messageOf(error)}; give a file that nsc made`,
      { cause: error },
    );
  }
}
