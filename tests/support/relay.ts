/** An address that leads to one server or another, or to none: nobody listens there then. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { freePort } from "../../scripts/free_port.ts";

/** Where somebody is at times. */
export class Relay implements AsyncDisposable {
  readonly port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  /** One that leads nowhere yet. */
  static async open(): Promise<Relay> {
    return new Relay(await freePort());
  }

  /** Leads to another port from now on. */
  async leadTo(port: number): Promise<void> {
    await this.shut();
    const server = createServer((near) => {
      if (this.#server !== server) return void near.destroy(); // it came when this was shut
      const far = connect(port, "127.0.0.1");
      for (const [one, other] of [[near, far], [far, near]] as const) {
        this.#sockets.add(one);
        one.on("error", () => {}); // its close follows
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
    this.#server = server;
    server.listen(this.port, "127.0.0.1");
    await once(server, "listening");
  }

  /** Ends all connections, and takes no more. */
  async shut(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shut();
  }
}
