/**
 * The sockets to the servers, none of which can end the process.
 *
 * @module
 */
import {
  type ConnectionOptions,
  type NatsConnection,
  NatsConnectionImpl,
  type NodeConnectionOptions,
  setTransportFactory,
} from "@nats-io/transport-node";
import { nodeResolveHost, NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";
import type { Socket } from "node:net";

/**
 * The transport of the client library takes all listeners off a socket between two steps, and before
 * it destroys it. An error that comes then, as of a server that has hung up on whoever it does not
 * know, would be nobody's, and nobody's error ends a process.
 */
class HeardTransport extends NodeTransport {
  override async dial(server: Parameters<NodeTransport["dial"]>[0]): Promise<Socket> {
    return heard(await super.dial(server));
  }

  override async startTLS(): ReturnType<NodeTransport["startTLS"]> {
    return heard(await super.startTLS());
  }
}

/** Connects as the client library does, over such sockets. @throws what it throws */
export function connectHeard(options: NodeConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({
    factory: () => new HeardTransport(),
    dnsResolveFn: nodeResolveHost,
  });
  return NatsConnectionImpl.connect(options as ConnectionOptions);
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
