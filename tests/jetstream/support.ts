/** One nats-server for all tests of a file, and a prefix of its own for each. */
import { after } from "node:test";
import { JetStreamBackend, type JetStreamOptions } from "../../jetstream/jetstream_backend.ts";
import { findNats, type NatsOptions, type NatsServer, startNats } from "../support/nats.ts";

/** The nats-server there is, or why there is none. */
export const nats = await findNats();
/** Skips a test by name where there is none. */
export const withNats = { skip: typeof nats === "string" ? nats : false };

let prefixes = 0;

/** A prefix that no other test of this process has. */
export function newPrefix(): string {
  return `t${++prefixes}`;
}

/** A server that is started when it is first asked for, and ends with the tests of the `describe`. */
export function sharedServer(options: NatsOptions = {}): () => Promise<NatsServer> {
  let starting: Promise<NatsServer> | undefined;
  after(async () => {
    await (await starting)?.[Symbol.asyncDispose]();
  });
  return () => starting ??= startNats(options);
}

/** A backend on a server, with a prefix of its own unless one is given. */
export function openOn(
  server: NatsServer,
  { prefix = newPrefix(), ...options }: JetStreamOptions & { readonly prefix?: string } = {},
): Promise<JetStreamBackend> {
  return JetStreamBackend.open(`${server.url}/?prefix=${prefix}`, options);
}
