/**
 * What is served, where, and as what. A new setting is one entry: its flag, its variable, its place in
 * a file, its help, and what `config` shows of it follow from that.
 *
 * @module
 */
import { choice, string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { hostPort, orNone, sizeFrom, waitingTime, yesOrNo } from "../grammar/values.ts";
import { prose } from "../grammar/verb.ts";
import { setting } from "./setting.ts";

const PORT_MAX = 65_535;
/** The host of an address of which only the port is said. */
const HOST_STANDARD = "127.0.0.1";
const GRPC_STANDARD = `${HOST_STANDARD}:8400`;

/** Where all verbs work. */
export const PLACE_SETTINGS = {
  at: setting("at", {
    parser: path({ metavar: "DIR|URL" }),
    standard: "./data",
    description: prose`The folder of the store, or the URL of a server, for every verb.`,
  }),
};

/** What a node does: a server with a copy of what is at a URL. */
const NODE_SETTINGS = {
  nodeWaitMs: setting("node.wait", {
    parser: waitingTime(),
    standard: "5s",
    description: prose`How long a reader waits until the copy has what was written through this
      server, where --at names a URL.`,
  }),
  nodeRenamed: setting("node.renamed", {
    parser: yesOrNo(),
    standard: "false",
    form: "switch",
    description:
      prose`The URL is what the copy has followed already, at another address, or what took
      its place.`,
  }),
};

/** What is served, where, and as what. */
export const SERVER_SETTINGS = {
  http: setting("http", {
    parser: hostPort(),
    standard: `${HOST_STANDARD}:8080`,
    other: { name: "PORT", parse: (text) => ({ host: HOST_STANDARD, port: portOf(text) }) },
    description: prose`Where to listen. Port 0 takes a free one. The variable PORT names a port on
      127.0.0.1.`,
  }),
  grpc: setting("grpc", {
    parser: orNone(hostPort()),
    standard: GRPC_STANDARD,
    description:
      prose`Where to listen for gRPC, or none; none as well where something else says where
      to listen for HTTP, and nothing this. Connect and gRPC-Web work on both ports.`,
  }),
  data: setting("data", {
    parser: path({ metavar: "DIR" }),
    standard: PLACE_SETTINGS.at.standard!,
    other: { name: "DATA_DIR", parse: String },
    description: prose`The folder to serve; what --at names unless this is given. With the URL of a
      server or a cluster as --at, the folder of a copy, from which this server reads; it writes
      there. The variable DATA_DIR says it, too.`,
  }),
  volumeId: setting("volume-id", {
    parser: string({ metavar: "ID" }),
    standard: "default",
    other: { name: "VOLUME_ID", parse: String },
    description: prose`What the server calls what it serves, in its health, its metrics and its
      answers about blobs. The variable VOLUME_ID says it, too.`,
  }),
  role: setting("role", {
    parser: choice(["all", "ingest", "query"], { metavar: "ROLE" }),
    standard: "all",
    description: prose`What the server does: ingest takes records in and keeps the folder; query
      reads beside it, from a process of its own; all does both.`,
  }),
  autoCreate: setting("topics.auto-create", {
    parser: yesOrNo(),
    standard: "true",
    description: prose`Whether the first append to a topic makes it.`,
  }),
  compactionBytesPerSecond: setting("compaction.bytes-per-second", {
    parser: sizeFrom(1024),
    standard: "64MiB",
    description: prose`How fast compaction by itself may read and write.`,
  }),
  ...NODE_SETTINGS,
};

/** @throws {RangeError} when it is no number of a port */
function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (port <= PORT_MAX) return port;
  throw new RangeError(
    `expected a whole number from 0 to ${PORT_MAX}, but got ${JSON.stringify(text.slice(0, 80))}`,
  );
}
