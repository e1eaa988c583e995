/** A way to a server on which a test holds up what is sent: what goes on at both ends is not over then. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** From which side so many bytes pass, of all connections together. */
export interface GateLimit {
  readonly from: "client" | "server";
  readonly bytes: number;
}

/** Passes so many bytes, and no more after that. */
export class Gate implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number, { from, bytes }: GateLimit) {
    let left = bytes;
    this.#server = createServer((near) => {
      const far = connect(port, "127.0.0.1");
      const ways = [["client", near, far], ["server", far, near]] as const;
      for (const [side, one, other] of ways) {
        this.#sockets.add(one);
        one.on("error", () => {}); // its close follows
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.on("data", (chunk: Uint8Array) => {
          const passing = side === from ? chunk.subarray(0, left) : chunk;
          other.write(passing);
          if (side !== from) return;
          left -= passing.length;
          if (left === 0) one.pause();
        });
      }
    });
  }

  /** One that leads to a port. */
  static async open(port: number, limit: GateLimit): Promise<Gate> {
    const gate = new Gate(port, limit);
    gate.#server.listen(0, "127.0.0.1");
    await once(gate.#server, "listening");
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
