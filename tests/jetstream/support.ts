/** One nats-server, or one cluster, for all tests of a file, and a prefix of its own for each. */
import { after } from "node:test";
import { JetStreamBackend, type JetStreamOptions } from "../../jetstream/jetstream_backend.ts";
import type { Cannot } from "../support/cannot.ts";
import {
  findNats,
  type NatsCluster,
  type NatsOptions,
  type NatsServer,
  startCluster,
  startNats,
} from "../support/nats.ts";

/** The nats-server there is, or why there is none. */
export const nats = await findNats();
/** Skips a test by name where there is none. */
export const withNats = { skip: typeof nats === "string" ? nats : false };

/** What a cluster does not do. */
export const CLUSTER_CANNOT: Cannot = {
  compact: "a cluster keeps all records; nodes compact their copies",
  truncateAfter: "a cluster removes records only from the front of a partition",
};
/** What a node does not do whose topics are in a cluster: it compacts its copy. */
export const NODE_CANNOT: Cannot = { truncateAfter: CLUSTER_CANNOT.truncateAfter };

const REPLICAS = 3;

let prefixes = 0;

/** A prefix that no other test of this process has. */
export function newPrefix(): string {
  return `t${++prefixes}`;
}

/** A server that is started when it is first asked for, and ends with the tests of the `describe`. */
export function sharedServer(options: NatsOptions = {}): () => Promise<NatsServer> {
  return shared(() => startNats(options));
}

/** Three servers, of which each has all, that come and go as {@linkcode sharedServer} does. */
export function sharedCluster(): () => Promise<NatsCluster> {
  return shared(() => startCluster(REPLICAS));
}

/** A backend on a server, with a prefix of its own unless one is given. */
export function openOn(
  server: NatsServer,
  { prefix = newPrefix(), ...options }: JetStreamOptions & { readonly prefix?: string } = {},
): Promise<JetStreamBackend> {
  return JetStreamBackend.open(`${server.url}/?prefix=${prefix}`, options);
}

/** A backend on a cluster whose nodes all have what is in it, with a prefix of its own. */
export function openReplicated(cluster: NatsCluster): Promise<JetStreamBackend> {
  return JetStreamBackend.open(`${cluster.url}/?prefix=${newPrefix()}&replicas=${REPLICAS}`);
}

function shared<T extends AsyncDisposable>(start: () => Promise<T>): () => Promise<T> {
  let starting: Promise<T> | undefined;
  after(async () => {
    await (await starting)?.[Symbol.asyncDispose]();
  });
  return () => starting ??= start();
}
