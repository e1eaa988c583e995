/**
 * From a URL to a backend.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { isClusterUrl } from "../jetstream/cluster_url.ts";
import type { JetStreamBackend } from "../jetstream/jetstream_backend.ts";
import type { HttpBackend } from "./http_backend.ts";
import type { ClientTls } from "./https_fetch.ts";

/** How a server or a cluster is talked to. */
export interface ConnectOptions {
  /**
   * How long a server may take for an answer, and how long a request to a cluster is tried, in
   * milliseconds; 30 s unless given. To connect, a server of a cluster has that long, and 5 s at the
   * most.
   */
  readonly timeoutMs?: number;
  /** Of a server: tries after the first, where another is safe; 5 unless given: about five seconds. */
  readonly retries?: number;
  /** Shown to a server with every request, as `Authorization: Bearer …`; to a cluster, as its token. */
  readonly token?: string | undefined;
  /** Which authority to trust, and a certificate to show; only for an `https` or `tls` URL. */
  readonly tls?: ClientTls | undefined;
  /** Of a cluster: a file with credentials, as `nsc` makes it. */
  readonly credentials?: string | undefined;
  /** Of a server: headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Of a server: an epoch that is known, as of a replica that was promoted: a server with a lower one was replaced,
   * and is not used. What the server's own answers tell is known from then on.
   */
  readonly epoch?: number;
  /**
   * Of a server: read everything that it has, what it keeps for itself and for its tenants included, as a
   * replica of it does, and change nothing: only for whoever runs the server. False unless given.
   */
  readonly asReplica?: boolean;
  /**
   * Go on where nothing answers within five seconds, or where what does is of no use at the moment, as
   * it has too much to do, or JetStream has no leader: `connect` gives a backend all the same, and
   * connects in the background, with pauses that grow up to five seconds. Until it has, the backend's
   * `isAway` is true, and whatever needs it ends at once with `unavailable`; from then on, all is as
   * without this. A server's capabilities are presumed to be those of an ordinary one until then, which
   * takes writes and truncations. What answers and cannot be used, as it wants other credentials, or is
   * not seglog, is an error of `connect`; what answers so later is told to `onNotice`, is why what is
   * asked for goes on ending with `unavailable`, as its `cause`, and is tried again. False unless given.
   */
  readonly mayBeAway?: boolean;
  /** Of a server: makes the requests, with TLS of its own; the global `fetch` unless given. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Is told, in a sentence, why something is tried again, and that it is there. */
  readonly onNotice?: (notice: string) => void;
}

/**
 * Connects to a seglog server, or to a NATS JetStream cluster.
 *
 * @param url where it is, such as `http://127.0.0.1:8080`, or
 * `nats://a:4222,b:4222,c:4222/?prefix=seglog&replicas=3`
 * @returns its topics as a backend; every method works as on a store. Of which kind it is, the compiler
 * sees where it sees the URL
 * @throws {SeglogError} `invalid-argument` for a URL that is none; `unavailable` when nothing answers
 * there, unless that `mayBeAway`; `unauthenticated` when the server's certificate does not count, or it
 * wants other credentials; `unsupported` when what answers is not seglog; `condition-failed` when it
 * was replaced
 *
 * @example
 * ```ts
 * import { connect, readRecords } from "seglog";
 *
 * async function main() {
 *   await using backend = await connect("http://127.0.0.1:8080");
 *   await backend.append("orders", [{ key: "u1", value: "hello" }]);
 *   for await (const record of readRecords(backend, "orders", { follow: true })) {
 *     console.log(record.offset, record.text);
 *   }
 * }
 * console.assert(typeof main === "function");
 * ```
 *
 * @example Before the server is there
 * ```ts
 * import { connect } from "seglog";
 *
 * await using backend = await connect("http://127.0.0.1:1", { mayBeAway: true });
 * console.assert(backend.isAway);
 * const why = await backend.listTopics().catch((error) => error);
 * console.assert(why.code === "unavailable" && why.retryable);
 * ```
 */
export function connect(
  url: `nats://${string}` | `tls://${string}`,
  options?: ConnectOptions,
): Promise<JetStreamBackend>;
/** Connects to a seglog server. */
export function connect(
  url: `http://${string}` | `https://${string}`,
  options?: ConnectOptions,
): Promise<HttpBackend>;
/** Connects to whichever the URL is of. */
export function connect(
  url: string,
  options?: ConnectOptions,
): Promise<HttpBackend | JetStreamBackend>;
export async function connect(
  url: string,
  options: ConnectOptions = {},
): Promise<HttpBackend | JetStreamBackend> {
  if (!isClusterUrl(url)) {
    const { connectHttp } = await import("./connect_http.ts");
    return await connectHttp(url, options);
  }
  const { headers, fetch, retries, epoch, asReplica: _, ...given } = options;
  for (const [name, value] of Object.entries({ headers, fetch, retries, epoch })) {
    if (value === undefined) continue;
    throw new SeglogError(
      "invalid-argument",
      `Cannot connect to a cluster with ${name}: that is for a server; leave it out`,
    );
  }
  const { JetStreamBackend } = await import("../jetstream/jetstream_backend.ts");
  return await JetStreamBackend.open(url, given);
}
