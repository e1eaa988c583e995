/**
 * How `serve` is asked for.
 *
 * @module
 */
import { group, object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command } from "@optique/core/primitives";
import { LIMIT_SETTINGS } from "../config/limit_settings.ts";
import { LOG_SETTINGS } from "../config/log_settings.ts";
import { PROTECTION_SETTINGS } from "../config/protection_settings.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import { settingFlags } from "../config/setting_flags.ts";
import { TOPIC_SETTINGS } from "../config/topic_settings.ts";
import { examples, prose, type Verb } from "./verb.ts";

/** The flags of all settings of a server. */
export const serverFlags = object({
  server: settingFlags(SERVER_SETTINGS),
  log: group("Log", settingFlags(LOG_SETTINGS)),
  protection: group("Protection", settingFlags(PROTECTION_SETTINGS)),
  limits: group("Limits", settingFlags(LIMIT_SETTINGS)),
  topics: group("Settings of new topics", settingFlags(TOPIC_SETTINGS)),
});

/** What flags say of a server. */
export type ServerFlags = InferValue<typeof serverFlags>;

export const serveGrammar = command(
  "serve",
  map(serverFlags, (given): Verb => async (context) => {
    const { serve } = await import("../commands/serve.ts");
    return await serve(context, given);
  }),
  {
    brief: prose`Serve a folder over HTTP and gRPC.`,
    description: prose`Says on standard error where it listens. Ends in good order on SIGINT and
      SIGTERM: what is under way is answered first. A second signal ends it at once. Where --at is
      a URL, the folder has a copy of what is there, and is served also while nothing answers. All
      that can be said by a flag can be said by a variable, or in the file that --config names.`,
    usageLine: [{
      type: "literal",
      value: "[--http HOST:PORT] [--grpc HOST:PORT] [--data DIR] [OPTION …]",
    }],
    footer: examples(
      "seglog serve",
      "seglog serve --http 127.0.0.1:9000 --data /var/lib/seglog",
      "seglog serve --http 127.0.0.1:9000 --grpc 127.0.0.1:9400",
      "seglog serve --config /etc/seglog.yaml",
      "PORT=9000 DATA_DIR=/var/lib/seglog VOLUME_ID=v1 seglog serve",
      "seglog --at http://127.0.0.1:8080 tail orders -f",
      "seglog serve --http 0.0.0.0:8443 --tls-cert certs/server.crt --tls-key certs/server.key",
    ),
  },
);
