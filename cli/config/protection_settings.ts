/**
 * What keeps others out of a server.
 *
 * @module
 */
import { path } from "@optique/run/valueparser";
import { listOf, yesOrNo } from "../grammar/values.ts";
import { prose } from "../grammar/verb.ts";
import { optionalSetting, setting } from "./setting.ts";

const file = path({ metavar: "FILE" });

/** TLS, and who may ask. */
export const PROTECTION_SETTINGS = {
  cert: optionalSetting("tls.cert", {
    parser: file,
    example: "/etc/seglog/tls/tls.crt",
    description: prose`The server's certificate, in PEM; with it, and its key, the server speaks TLS
      1.3 and nothing else. New certificates are taken while it runs, on SIGHUP at once.`,
  }),
  key: optionalSetting("tls.key", {
    parser: file,
    example: "/etc/seglog/tls/tls.key",
    holdsSecret: true,
    description: prose`The private key of the certificate, in PEM.`,
  }),
  clientCa: optionalSetting("tls.client-ca", {
    parser: file,
    example: "/etc/seglog/tls/ca.crt",
    description: prose`The authorities of client certificates, in PEM. Who shows a certificate of
      theirs is known by its subject: token create --subject.`,
  }),
  allowHosts: setting("allow-host", {
    parser: listOf("HOST"),
    form: "list",
    standard: "",
    description: prose`Names that the server goes by besides localhost and those in its certificate,
      with commas between them: log.example, *.example for all below it, * for any.`,
  }),
  allowOrigins: setting("allow-origin", {
    parser: listOf("ORIGIN"),
    form: "list",
    standard: "",
    description: prose`Sites whose pages may use the server, with commas between them:
      https://app.example, or * for any.`,
  }),
  webhookAllow: setting("webhook-allow", {
    parser: listOf("HOST|CIDR"),
    form: "list",
    standard: "",
    description: prose`Where webhooks may also be sent, and without TLS, with commas between them: a
      host, *.example for all below it, an address, or a network such as 10.0.0.0/8. Without it
      only public addresses are reached.`,
  }),
  unprotected: setting("unprotected", {
    parser: yesOrNo(),
    form: "switch",
    standard: "false",
    description: prose`Listen where others reach the server even without TLS or without tokens: then
      everybody who reaches it can read, change and delete everything.`,
  }),
};
