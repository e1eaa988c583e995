/**
 * How `serve` is asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { hostPort } from "./values.ts";
import { examples, prose, type Verb } from "./verb.ts";

const options = object({
  http: optional(option("--http", hostPort(), {
    description: prose`Where to listen; 127.0.0.1, on the port that the variable PORT names or on
      8080, unless given. Port 0 takes a free one.`,
  })),
  data: optional(option("--data", path({ metavar: "DIR" }), {
    description: prose`The folder to serve; what --at or the variable DATA_DIR names unless given.`,
  })),
  volumeId: optional(option("--volume-id", string({ metavar: "ID" }), {
    description: prose`What the server calls what it serves, in its health, its metrics and its
      answers about blobs; what the variable VOLUME_ID says unless given.`,
  })),
  webhookAllow: multiple(option("--webhook-allow", string({ metavar: "HOST|CIDR" }), {
    description: prose`Also send webhooks to this host (*.example.org for all below), address or
      network, and without TLS; only to public addresses unless given. May be given more than once.`,
  })),
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
    brief: prose`Serve a folder over HTTP.`,
    description: prose`Says on standard error where it listens. Ends in good order on SIGINT and
      SIGTERM: what is under way is answered first. A second signal ends it at once.`,
    footer: examples(
      "seglog serve",
      "seglog serve --http 127.0.0.1:9000 --data /var/lib/seglog",
      "PORT=9000 DATA_DIR=/var/lib/seglog VOLUME_ID=v1 seglog serve",
      "seglog --at http://127.0.0.1:8080 tail orders -f",
    ),
  },
);
