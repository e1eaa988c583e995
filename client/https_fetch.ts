/**
 * Requests over TLS with certificates of one's own: which authority to trust, and who one is. The
 * runtimes' `fetch` takes neither, or each in its own way; `node:https` is the same on all of them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { SeglogError } from "../core/base/errors.ts";

/** What a client needs for TLS, in PEM. */
export interface ClientTls {
  /** The authorities that are trusted instead of those of the system. */
  readonly ca?: string | undefined;
  /** The client's own certificate, and behind it those between it and the authority. */
  readonly cert?: string | undefined;
  /** The private key of the certificate. */
  readonly key?: string | undefined;
}

/** A `fetch` with connections of its own. */
export interface HttpsFetch {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Ends the connections that are kept for more requests. */
  close(): void;
}

/** Statuses whose answers have no body, not even an empty one. */
const NO_BODY: readonly number[] = [204, 205, 304];

/** @throws {SeglogError} `invalid-argument` for a certificate without its key, or a key without one */
export function httpsFetch({ ca, cert, key }: ClientTls): HttpsFetch {
  if ((cert === undefined) !== (key === undefined)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot connect with a ${cert === undefined ? "key" : "certificate"} alone: give ${
        cert === undefined ? "the certificate that it belongs to" : "its key"
      } too`,
    );
  }
  const agent = new Agent({
    keepAlive: true,
    ...ca === undefined ? {} : { ca },
    ...cert === undefined || key === undefined ? {} : { cert, key },
  });
  return {
    fetch: (url, init) => send(agent, url, init),
    close: () => agent.destroy(),
  };
}

async function send(agent: Agent, url: string, init: RequestInit): Promise<Response> {
  const { method = "GET", headers } = init;
  const signal = init.signal ?? undefined;
  const body = await bytesOf(init.body);
  signal?.throwIfAborted();
  return await new Promise((resolve, reject) => {
    const asking = request(url, {
      agent,
      method,
      headers: {
        ...Object.fromEntries(new Headers(headers)),
        ...body === undefined ? {} : { "content-length": String(body.length) },
      },
    });
    const abort = () => void asking.destroy(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
    asking.once("close", () => signal?.removeEventListener("abort", abort));
    asking.on("error", reject);
    asking.on("response", (incoming) => resolve(responseOf(incoming)));
    asking.end(body);
  });
}

async function bytesOf(body: RequestInit["body"]): Promise<Uint8Array | undefined> {
  if (body === undefined || body === null) return undefined;
  if (typeof body === "string") return Buffer.from(body);
  return body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer());
}

function responseOf(incoming: IncomingMessage): Response {
  const status = incoming.statusCode!;
  const headers = new Headers();
  for (let i = 0; i < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
  }
  if (!NO_BODY.includes(status)) return new Response(streamOf(incoming), { status, headers });
  incoming.resume();
  return new Response(null, { status, headers });
}

/** Reads on only as fast as the other end of the stream does. */
function streamOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      incoming.on("data", (piece: Buffer<ArrayBuffer>) => {
        controller.enqueue(new Uint8Array(piece.buffer, piece.byteOffset, piece.length));
        if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
      });
      incoming.once("end", () => controller.close());
      incoming.once("error", (error) => controller.error(error));
      // On a runtime that does not call it an error, an answer that is cut off must not look whole.
      incoming.once("close", () => {
        if (!incoming.complete) controller.error(new Error("the connection was lost"));
      });
    },
    pull: () => void incoming.resume(),
    cancel: () => void incoming.destroy(),
  });
}
