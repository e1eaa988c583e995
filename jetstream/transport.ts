/**
 * The sockets to the servers, none of which can end the process.
 *
 * @module
 */
import {
  type ConnectionOptions,
  errors,
  type NatsConnection,
  NatsConnectionImpl,
  type NodeConnectionOptions,
  setTransportFactory,
} from "@nats-io/transport-node";
import { nodeResolveHost, NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";
import type { Socket } from "node:net";
import { HungUp } from "./nats_errors.ts";

/** Goes with the options of a connection to each of its sockets. */
interface HangUpOptions {
  readonly onHangUp: (error: HungUp) => void;
}

/**
 * The transport of the client library takes all listeners off a socket between two steps, and before
 * it destroys it. An error that comes then, as of a server that has hung up on whoever it does not
 * know, would be nobody's, and nobody's error ends a process.
 */
class HeardTransport extends NodeTransport {
  /** Whether the server asks who connects for a certificate. */
  #wantsProof = false;

  override async connect(
    server: Parameters<NodeTransport["connect"]>[0],
    options: NodeConnectionOptions & Partial<HangUpOptions>,
  ): Promise<void> {
    await super.connect(server, options);
    void this.closed().then((error) => options.onHangUp?.(new HungUp(this.#wantsProof, error)));
  }

  override async peekInfo(): ReturnType<NodeTransport["peekInfo"]> {
    const info = await super.peekInfo();
    this.#wantsProof = info.tls_verify === true;
    return info;
  }

  /** The library leaves a socket on which a server has not told in time who it is. */
  override close(error?: Error): ReturnType<NodeTransport["close"]> {
    if (!this.connected) this.discard();
    return super.close(error);
  }

  override async dial(server: Parameters<NodeTransport["dial"]>[0]): Promise<Socket> {
    return heard(await super.dial(server));
  }

  override async startTLS(): ReturnType<NodeTransport["startTLS"]> {
    return heard(await super.startTLS());
  }
}

/** Connects as the client library does, over such sockets. @throws what it throws */
export async function connectHeard(options: NodeConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({
    factory: () => new HeardTransport(),
    dnsResolveFn: nodeResolveHost,
  });
  let hungUp: HungUp | undefined;
  const heeding: NodeConnectionOptions & HangUpOptions = {
    ...options,
    onHangUp: (error) => hungUp = error,
  };
  try {
    return await NatsConnectionImpl.connect(heeding as ConnectionOptions);
  } catch (error) {
    // The library waits for an answer of who has hung up, and then knows only that there was none.
    throw error instanceof errors.TimeoutError && hungUp !== undefined ? hungUp : error;
  }
}

/** A socket that always has somebody who takes its errors: whoever waits is told by its end. */
function heard<Kind extends Socket>(socket: Kind): Kind {
  const removeAll = socket.removeAllListeners.bind(socket);
  const hear = (): Kind => socket.on("error", () => {});
  socket.removeAllListeners = (...events: [event?: string | symbol]) => {
    removeAll(...events); // none is all of them, and is not the same as undefined
    return hear();
  };
  return hear();
}
