/**
 * The body of a request as Node's server hands it over.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";

/**
 * Reads a body whose length was announced: what arrives is copied once, and where it is one piece,
 * not at all. HTTP parsers deliver no more than was announced.
 *
 * @throws when the connection ends before the body does
 */
export function readIncoming(incoming: IncomingMessage, announced: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let body: Uint8Array | undefined;
    let length = 0;
    incoming.on("data", (part: Uint8Array) => {
      if (part.length === announced) {
        body = new Uint8Array(part.buffer, part.byteOffset, part.length); // a Buffer is never passed on
      } else {
        body ??= new Uint8Array(announced);
        body.set(part, length);
      }
      length += part.length;
    });
    const end = () => {
      if (length === announced) resolve(body ?? new Uint8Array(0));
      else reject(new Error(`the connection ended after ${length} of ${announced} bytes`));
    };
    if (incoming.destroyed) return end(); // nothing more will be told
    incoming.once("end", end);
    incoming.once("close", end);
    incoming.once("error", reject);
  });
}

/**
 * Reads a body whose length nobody knows, part by part. A stream of the web would cost so much for
 * each part that a client could keep the server busy by sending one byte in each.
 *
 * @param take may throw: then that is the error, and no more is taken
 * @throws when the connection ends before the body does
 */
export function readParts(
  incoming: IncomingMessage,
  take: (part: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      incoming.off("data", onPart);
      incoming.pause();
      reject(error);
    };
    const onPart = (part: Uint8Array) => {
      try {
        take(part);
      } catch (error) {
        fail(error);
      }
    };
    const cutOff = () => fail(new Error("the connection ended before the body did"));
    if (incoming.destroyed) return cutOff(); // nothing more will be told
    incoming.on("data", onPart);
    incoming.once("end", resolve);
    incoming.once("close", cutOff);
    incoming.once("error", fail);
  });
}
