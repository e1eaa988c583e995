/**
 * Real nats-servers for tests. A test says `{ skip: typeof nats === "string" ? nats : false }` with
 * `const nats = await findNats()`, so that it is skipped by name where there is none.
 *
 * @module
 */
export { findNats } from "../../scripts/find_nats.ts";
export { NatsServer, startNats } from "./nats/nats_server.ts";
export type { NatsOptions } from "./nats/nats_server.ts";
