/**
 * The bounds of a server that can be set.
 *
 * @module
 */
import type { ServerLimits } from "../../server/limits.ts";
import { count, sizeFrom, waitingTime } from "../grammar/values.ts";
import { prose } from "../grammar/verb.ts";
import { type Setting, setting } from "./setting.ts";

/** What one server allows. */
export const LIMIT_SETTINGS = {
  bodyBytesMax: setting("limits.body-bytes", {
    parser: sizeFrom(1024),
    standard: "64MiB",
    description: prose`Largest request body that is held at once, and longest line of a streamed
      one.`,
  }),
  bodiesBytesMax: setting("limits.bodies-bytes", {
    parser: sizeFrom(1024),
    standard: "512MiB",
    description: prose`Bytes of request bodies that are held at once, over all requests.`,
  }),
  bodyMs: setting("limits.body-time", {
    parser: waitingTime(),
    standard: "5m",
    description: prose`Longest time for a body to arrive, and longest silence within a streamed
      one.`,
  }),
  headersMs: setting("limits.headers-time", {
    parser: waitingTime(),
    standard: "15s",
    description: prose`Longest time for the headers of a request to arrive.`,
  }),
  handshakeMs: setting("limits.handshake-time", {
    parser: waitingTime(),
    standard: "10s",
    description: prose`Longest time for a TLS handshake.`,
  }),
  headersBytesMax: setting("limits.headers-bytes", {
    parser: sizeFrom(1024),
    standard: "32KiB",
    description: prose`Bytes of the headers of one request.`,
  }),
  connectionsMax: setting("limits.connections", {
    parser: count("N", 1),
    standard: "4096",
    description: prose`Connections at once; one more is turned away.`,
  }),
  idleMs: setting("limits.idle-time", {
    parser: waitingTime(),
    standard: "2m",
    description: prose`How long a connection may be idle between two requests.`,
  }),
  pingMs: setting("limits.ping-time", {
    parser: waitingTime(),
    standard: "15s",
    description: prose`How often a quiet event stream says that it lives.`,
  }),
  lagRecords: setting("limits.lag-records", {
    parser: count("N", 1),
    standard: "1000",
    description: prose`Records behind the end, from which on a subscriber is told that it lags.`,
  }),
  lagMs: setting("limits.lag-time", {
    parser: waitingTime(),
    standard: "5s",
    description: prose`How long a subscriber may leave unread what it was sent until it is told that
      it lags.`,
  }),
  blockedMs: setting("limits.blocked-time", {
    parser: waitingTime(),
    standard: "1m",
    description: prose`How long it may do so until its connection is closed.`,
  }),
  bucketsMax: setting("limits.buckets", {
    parser: count("N", 1),
    standard: "64",
    description: prose`Buckets that are open at once; one more closes what was not used for
      longest.`,
  }),
  snapshotsMax: setting("limits.snapshots", {
    parser: count("N", 1),
    standard: "1000",
    description: prose`Snapshots of buckets that clients hold at once; one more is turned away.`,
  }),
  stopMs: setting("limits.stop-time", {
    parser: waitingTime(),
    standard: "6s",
    description: prose`How long a stopping server waits for requests under way.`,
  }),
} satisfies { [Name in keyof ServerLimits]: Setting<ServerLimits[Name]> };
