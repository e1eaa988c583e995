/**
 * How `serve` is asked for.
 *
 * @module
 */
import { group, object } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { hostPort, listOf } from "./values.ts";
import { examples, prose, type Verb } from "./verb.ts";

const file = path({ metavar: "FILE" });

/** What keeps others out. */
const protection = object({
  cert: optional(option("--tls-cert", file, {
    description: prose`The server's certificate, in PEM; with it, and its key, the server speaks TLS
      1.3 and nothing else. New certificates are taken while it runs, on SIGHUP at once.`,
  })),
  key: optional(option("--tls-key", file, {
    description: prose`The private key of the certificate, in PEM.`,
  })),
  clientCa: optional(option("--tls-client-ca", file, {
    description: prose`The authorities of client certificates, in PEM. Who shows a certificate of
      theirs is known by its subject: token create --subject.`,
  })),
  allowHosts: multiple(option("--allow-host", listOf("HOST"), {
    description: prose`Names that the server goes by besides localhost and those in its certificate,
      with commas between them: log.example, *.example for all below it, * for any.`,
  })),
  allowOrigins: multiple(option("--allow-origin", listOf("ORIGIN"), {
    description: prose`Sites whose pages may use the server, with commas between them:
      https://app.example, or * for any. None unless given.`,
  })),
  unprotected: option("--unprotected", {
    description: prose`Listen where others reach the server even without TLS or without tokens: then
      everybody who reaches it can read, change and delete everything.`,
  }),
});

const options = object({
  http: optional(option("--http", hostPort(), {
    description: prose`Where to listen; 127.0.0.1, on the port that the variable PORT names or on
      8080, unless given. Port 0 takes a free one.`,
  })),
  grpc: optional(option("--grpc", hostPort(), {
    description: prose`Where to listen for gRPC; 127.0.0.1:8400 unless --http or the variable PORT
      says where to listen: then nowhere unless given. Connect and gRPC-Web work on both ports.`,
  })),
  data: optional(option("--data", path({ metavar: "DIR" }), {
    description: prose`The folder to serve; what --at or the variable DATA_DIR names unless given.`,
  })),
  volumeId: optional(option("--volume-id", string({ metavar: "ID" }), {
    description: prose`What the server calls what it serves, in its health, its metrics and its
      answers about blobs; what the variable VOLUME_ID says unless given.`,
  })),
  protection: group("Protection", protection),
});

/** The options of `serve`. */
export type ServeVerbOptions = InferValue<typeof options>;

export const serveGrammar = command(
  "serve",
  map(options, (given): Verb => async (context) => {
    const { serve } = await import("../commands/serve.ts");
    return await serve(context, given);
  }),
  {
    brief: prose`Serve a folder over HTTP and gRPC.`,
    description: prose`Says on standard error where it listens. Ends in good order on SIGINT and
      SIGTERM: what is under way is answered first. A second signal ends it at once.`,
    footer: examples(
      "seglog serve",
      "seglog serve --http 127.0.0.1:9000 --data /var/lib/seglog",
      "seglog serve --http 127.0.0.1:9000 --grpc 127.0.0.1:9400",
      "PORT=9000 DATA_DIR=/var/lib/seglog VOLUME_ID=v1 seglog serve",
      "seglog --at http://127.0.0.1:8080 tail orders -f",
      "seglog serve --http 0.0.0.0:8443 --tls-cert certs/server.crt --tls-key certs/server.key",
    ),
  },
);
