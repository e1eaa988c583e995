/**
 * A request as the handlers take it, whatever it came over.
 *
 * @module
 */
import type { Socket } from "node:net";
import { createContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import type { Services } from "../exchange.ts";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { TRANSPORT } from "./call.ts";
import { Intake } from "./intake.ts";

/** What came. */
export interface Arrival {
  readonly httpVersion: "1.1" | "2.0";
  readonly method: string;
  readonly url: string;
  readonly header: Headers;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Aborted when the client does not wait any more. */
  readonly signal: AbortSignal;
  /** What it came over, where that is known. */
  readonly socket: Socket | undefined;
}

const ENVELOPED = /^application\/(grpc|connect\+)/;

/** The request for a handler, its messages bounded by what the server allows. */
export function universalRequest(
  arrival: Arrival,
  handler: UniversalHandler,
  { services, messageBytesMax }: { services: Services; messageBytesMax: number },
): UniversalServerRequest {
  const { httpVersion, method, url, header, signal, socket } = arrival;
  const { limits, budget, metrics } = services;
  const protocol = httpVersion === "1.1" ? "http" : "grpc";
  const type = header.get("content-type") ?? "";
  const sendsOne = handler.method.methodKind === "unary" ||
    handler.method.methodKind === "server_streaming";
  const intake = new Intake(arrival.chunks, {
    isEnveloped: ENVELOPED.test(type),
    isZipped: takeEncoding(header),
    announced: Number(header.get("content-length") ?? 0),
    bytesMax: messageBytesMax,
    budget,
    onBytes: (bytes) => metrics.receivedBytes(protocol, bytes),
    ms: limits.bodyMs,
    // HTTP/2 connections are pinged: there, a stream may be silent for as long as its client lives.
    silenceMs: sendsOne || httpVersion === "1.1" ? limits.bodyMs : undefined,
  });
  header.delete("content-length"); // the intake sees to it
  const contextValues = createContextValues().set(TRANSPORT, { intake, socket });
  return { httpVersion, method, url, header, body: intake, signal, contextValues };
}

/**
 * Whether messages are packed with gzip, which is our own to undo: the handlers do not hear of it.
 * They do not pack answers either, whatever the client would take: batches are packed as they are
 * stored.
 */
function takeEncoding(header: Headers): boolean {
  let isZipped = false;
  for (const name of ["grpc-encoding", "connect-content-encoding", "content-encoding"]) {
    if (header.get(name) !== "gzip") continue;
    header.delete(name);
    isZipped = true;
  }
  for (const name of ["grpc-accept-encoding", "connect-accept-encoding", "accept-encoding"]) {
    header.delete(name);
  }
  return isZipped;
}
