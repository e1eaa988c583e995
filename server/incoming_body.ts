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
