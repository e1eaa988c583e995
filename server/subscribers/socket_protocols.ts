/**
 * The subprotocols of a WebSocket: what is spoken, and the token of a client that cannot set
 * headers, as a page in a browser cannot. A URL would carry it into logs and histories.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";

/** What is spoken: one JSON text a message. */
export const SOCKET_PROTOCOL = "seglog.v1";
const TOKEN_PREFIX = "seglog.token.";

/**
 * The credentials in what a client offers, as the header `Authorization` would have them.
 *
 * @param offered the header `Sec-WebSocket-Protocol`
 * @throws {SeglogError} `invalid-argument` for a client that does not speak {@linkcode SOCKET_PROTOCOL}
 */
export function offeredCredentials(offered: string | undefined): string | undefined {
  if (offered === undefined) return undefined;
  const protocols = offered.split(",").map((protocol) => protocol.trim());
  if (!protocols.includes(SOCKET_PROTOCOL)) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot open a WebSocket: it speaks ${SOCKET_PROTOCOL}; offer that, or no protocol at all`,
    );
  }
  const token = protocols.find((protocol) => protocol.startsWith(TOKEN_PREFIX));
  return token === undefined ? undefined : `Bearer ${token.slice(TOKEN_PREFIX.length)}`;
}
