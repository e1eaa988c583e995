/** A connection that fails when a test wants it to, in front of a server. */
import { connect, createServer, type Socket } from "node:net";
import { freePort } from "../../scripts/free_port.ts";

export interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** Answers that will be lost: the server gets the request, the client no answer. */
  loseAnswers: number;
  /** Requests, more or less: pieces of data from clients that went to the server. */
  readonly requests: number;
  /** Cuts all connections, and refuses new ones until `open`. */
  cut(): Promise<void>;
  open(): Promise<void>;
}

export async function proxyTo(port: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isOpen = false;
  let requests = 0;
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    if (!isOpen) return void client.destroy(); // it came when this was cut
    const upstream = connect(port, "127.0.0.1");
    track(client);
    track(upstream);
    client.on("data", (data) => {
      if (data.toString("latin1").startsWith("POST")) requests++;
      upstream.write(data);
    });
    upstream.on("data", (data) => {
      if (proxy.loseAnswers > 0) {
        proxy.loseAnswers--;
        client.destroy();
        upstream.destroy();
      } else client.write(data);
    });
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  const ownPort = await freePort();
  const open = () => {
    isOpen = true;
    return new Promise<void>((resolve) => server.listen(ownPort, "127.0.0.1", resolve));
  };
  await open();
  const close = () =>
    new Promise<void>((resolve) => {
      isOpen = false;
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const proxy: Proxy = {
    url: `http://127.0.0.1:${ownPort}`,
    loseAnswers: 0,
    get requests() {
      return requests;
    },
    cut: close,
    open,
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}
