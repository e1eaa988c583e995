/**
 * What a server's own log has, and how it is written.
 *
 * @module
 */
import { choice } from "@optique/core/valueparser";
import { yesOrNo } from "../grammar/values.ts";
import { prose } from "../grammar/verb.ts";
import { setting } from "./setting.ts";

/** The log, which goes to standard error. */
export const LOG_SETTINGS = {
  logFormat: setting("log.format", {
    parser: choice(["text", "json"], { metavar: "text|json" }),
    standard: "text",
    description: prose`How the log on standard error is written: as text for people, or as one JSON
      object a line.`,
  }),
  logLevel: setting("log.level", {
    parser: choice(["debug", "info", "warn", "error"], { metavar: "LEVEL" }),
    standard: "info",
    description: prose`What the log has at the least: debug (every request, too), info, warn or
      error.`,
  }),
  logRequests: setting("log.requests", {
    parser: yesOrNo(),
    standard: "false",
    description: prose`Whether the log has every request, also where its level is info.`,
  }),
};
