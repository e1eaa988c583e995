/**
 * How a server is reached that wants to know who asks: options that go with every verb.
 *
 * @module
 */
import { group, object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import { path } from "@optique/run/valueparser";
import { prose } from "./verb.ts";

const file = path({ metavar: "FILE" });

/** Where a token and certificates are. */
export const serverAccess = group(
  "For a server",
  object({
    tokenFile: optional(option("--token-file", file, {
      hidden: "usage",
      description:
        prose`The token to show. SEGLOG_TOKEN, or the file SEGLOG_TOKEN_FILE, unless given.`,
    })),
    caFile: optional(option("--ca-file", file, {
      hidden: "usage",
      description: prose`The authority to trust instead of those of the system, in PEM.
        SEGLOG_CA_FILE unless given.`,
    })),
    certFile: optional(option("--cert-file", file, {
      hidden: "usage",
      description: prose`The certificate to show, in PEM. SEGLOG_CERT_FILE unless given.`,
    })),
    keyFile: optional(option("--key-file", file, {
      hidden: "usage",
      description: prose`Its private key, in PEM. SEGLOG_KEY_FILE unless given.`,
    })),
  }),
);

/** What the flags say of it. */
export type ServerAccess = InferValue<typeof serverAccess>;
