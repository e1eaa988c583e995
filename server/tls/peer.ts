/**
 * Who is at the other end of a connection, as far as their certificate says.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { callAt } from "../call_at.ts";
import { subjectOfCertificate } from "./distinguished_name.ts";

interface Peer {
  readonly subject: string;
  readonly validUntilMs: number;
}

/** Looked at once: a connection keeps its certificate, or stays without one. */
const peers = new WeakMap<Socket, Peer | null>();

/**
 * The subject of the certificate that the client of a connection has proved to own, by RFC 4514.
 *
 * @returns `undefined` for a connection without TLS, and where the client has shown none
 * @throws {SeglogError} `unauthenticated` when it has shown one that does not count, or whose time
 * is over meanwhile
 */
export function subjectOf(socket: Socket, nowMs: number): string | undefined {
  const peer = knownPeer(socket);
  if (peer === null) return undefined;
  if (nowMs > peer.validUntilMs) throw refusal("it has expired");
  return peer.subject;
}

/**
 * Ends a connection when the time of its client's certificate is over, and with it what goes on for
 * long. One whose certificate does not count is left to whoever refuses it.
 */
export function endWithCertificate(socket: Socket, clock: Clock): void {
  let peer: Peer | null;
  try {
    peer = knownPeer(socket);
  } catch {
    return;
  }
  if (peer === null) return;
  const cancel = callAt(clock, peer.validUntilMs + 1, () => socket.destroy());
  socket.once("close", cancel);
}

function knownPeer(socket: Socket): Peer | null {
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = peerOf(socket);
    peers.set(socket, peer);
  }
  return peer;
}

function peerOf(socket: Socket): Peer | null {
  const secure = socket as Partial<TLSSocket>;
  if (secure.encrypted !== true) return null;
  const raw = (secure as TLSSocket).getPeerCertificate().raw as Uint8Array | undefined;
  if (raw === undefined) return null;
  if (secure.authorized !== true) throw refusal(reasonOf(secure.authorizationError));
  const subject = subjectOfCertificate(raw);
  if (subject === "") throw refusal("it has no subject");
  return { subject, validUntilMs: Date.parse(new X509Certificate(raw).validTo) };
}

/** What the runtimes say in their own words. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  INVALID_PURPOSE: "it is not for clients",
};

function reasonOf(fault: unknown): string {
  const code = String((fault as { code?: unknown } | null)?.code ?? fault);
  return REASONS[code] ??
    `it is not by an authority that counts here, or its time or its purpose is another (${code})`;
}

function refusal(why: string): SeglogError {
  return new SeglogError(
    "unauthenticated",
    `Cannot take the certificate of the client: ${why}; connect with another, or with none and a token`,
  );
}
