/**
 * How `cert` is asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, multiple, withDefault } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { path } from "@optique/run/valueparser";
import { certHost, clientName, count } from "./values.ts";
import { examples, prose, type Verb } from "./verb.ts";

const options = object({
  folder: withDefault(
    option("--dir", path({ metavar: "FOLDER" }), {
      description: prose`Where the files are; ./certs unless given.`,
    }),
    "./certs",
  ),
  hosts: multiple(option("--host", certHost(), {
    description: prose`A name or an address of the server; may be given several times. localhost,
      127.0.0.1 and ::1 unless given.`,
  })),
  clients: multiple(option("--client", clientName(), {
    description:
      prose`A client, whose subject is CN=NAME and whose files are called after it; may be
      given several times. One that is called client unless given.`,
  })),
  days: withDefault(
    option("--days", count("N", 1), {
      description: prose`How long the certificates count; 365 unless given.`,
    }),
    365,
  ),
  yes: option("-y", "--yes", {
    description: prose`Make anew what --host and --client name, where it is there already.`,
  }),
});

/** The options of `cert`. */
export type CertVerbOptions = InferValue<typeof options>;

export const certGrammar = command(
  "cert",
  map(options, (given): Verb => async (context) => {
    const { cert } = await import("../commands/cert.ts");
    return await cert(context, given);
  }),
  {
    brief: prose`Make certificates for development.`,
    description:
      prose`Makes an authority, a certificate of the server and one of each client that it
      signed, and their keys. What is there stays: run it again to add clients. The authority is never
      replaced. Not for production: whoever has ca.key can be any server and any client.`,
    footer: examples(
      "seglog cert",
      "seglog cert --host log.example --client ann --client bob",
      "seglog cert --host log.example -y",
      "seglog serve --tls-cert certs/server.crt --tls-key certs/server.key --tls-client-ca certs/ca.crt",
      "seglog --at https://localhost:8080 --ca-file certs/ca.crt topic ls",
    ),
  },
);
