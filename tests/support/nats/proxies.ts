/**
 * A network that needs no rights: each node reaches each earlier one by a proxy of its own on the loopback
 * interface. A partition is proxies that swallow: they take connections and bytes no further, and tell
 * nobody. The proxies live in the process of the test, which therefore must not block.
 *
 * @module
 */
import { once } from "node:events";
import * as net from "node:net";
import { join } from "node:path";
import { freePort } from "../../../scripts/free_port.ts";
import type { Place } from "./nats_server.ts";
import { clusterConfig, type Network } from "./network.ts";

/** The way from one node to another. */
class Proxy {
  readonly #server: net.Server;
  readonly #target: number;
  readonly #sockets = new Set<net.Socket>();
  #isCut = false;

  private constructor(target: number) {
    this.#target = target;
    this.#server = net.createServer((near) => this.#take(near));
  }

  static async open(target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  #take(near: net.Socket): void {
    this.#keep(near);
    if (this.#isCut) return;
    const far = net.connect(this.#target, "127.0.0.1");
    this.#keep(far);
    for (const [one, other] of [[near, far], [far, near]] as const) {
      one.setNoDelay(true);
      one.on("close", () => other.destroy());
      one.on("data", (chunk) => {
        if (!this.#isCut) other.write(chunk);
      });
    }
  }

  #keep(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // its close follows
    socket.on("close", () => this.#sockets.delete(socket));
  }

  cut(): void {
    this.#isCut = true;
  }

  /** What was swallowed does not come back, so nothing can go on where it was. */
  heal(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

export class Proxies implements Network {
  readonly kind = "proxies between the nodes";
  readonly places: readonly Place[];
  /** By the node that connects and the one that it connects to. */
  readonly #ways: ReadonlyMap<string, Proxy>;

  private constructor(places: readonly Place[], ways: ReadonlyMap<string, Proxy>) {
    this.places = places;
    this.#ways = ways;
  }

  /** @param folder for the files of the nodes */
  static async open(folder: string, { count }: { count: number }): Promise<Proxies> {
    const nodes = Array.from({ length: count }, (_, i) => i);
    const ports: number[] = [];
    const routePorts: number[] = [];
    for (const _ of nodes) {
      ports.push(await freePort());
      routePorts.push(await freePort());
    }
    const ways = new Map<string, Proxy>();
    for (const from of nodes) {
      for (const to of nodes.slice(0, from)) {
        ways.set(`${from}-${to}`, await Proxy.open(routePorts[to]!));
      }
    }
    const places = nodes.map((i) => ({
      name: `n${i + 1}`,
      url: `nats://127.0.0.1:${ports[i]}`,
      prefix: [],
      config: clusterConfig(`n${i + 1}`, {
        client: `127.0.0.1:${ports[i]}`,
        cluster: `127.0.0.1:${routePorts[i]}`,
        count,
        earlier: nodes.slice(0, i)
          .map((to) => `127.0.0.1:${ways.get(`${i}-${to}`)!.port}`),
      }),
      storeFolder: join(folder, `store${i}`),
      configPath: join(folder, `${i}.conf`),
    }));
    return new Proxies(places, ways);
  }

  isolate(node: number): Promise<void> {
    for (const [way, proxy] of this.#ways) {
      if (way.split("-").includes(String(node))) proxy.cut();
    }
    return Promise.resolve();
  }

  heal(): Promise<void> {
    for (const proxy of this.#ways.values()) proxy.heal();
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#ways.values()].map((proxy) => proxy.close()));
  }
}
