/**
 * What somebody may do: scopes, each for the topics that a pattern names.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import { GRANTS_MAX, GRANTS_TEXT_MAX } from "../limits.ts";

/** What can be done with a topic. `admin` is to make, change and remove it, and all else as well. */
export const SCOPES = ["produce", "consume", "admin"] as const;

/** One of them. */
export type Scope = typeof SCOPES[number];

/** Scopes for all topics whose names fit a pattern. */
export interface Grant {
  readonly scopes: readonly Scope[];
  /** A name in which `*` stands for any text, none and slashes included. */
  readonly pattern: string;
}

/** All scopes for all topics. */
export const EVERYTHING: Grant = { scopes: ["admin"], pattern: "*" };

/** Whether the grant allows something with a topic. */
export function allows(grant: Grant, scope: Scope, topic: string): boolean {
  const { scopes } = grant;
  return (scopes.includes(scope) || scopes.includes("admin")) && concerns(grant, topic);
}

/** Whether the grant allows anything at all with a topic. */
export function concerns({ pattern }: Grant, topic: string): boolean {
  return fits(pattern, topic);
}

/**
 * Reads grants as they are typed: `produce,consume:orders.*;consume:*`. Where no topics are named,
 * it is all of them.
 *
 * @throws {SeglogError} `invalid-argument`
 */
export function parseGrants(text: string): readonly Grant[] {
  const refuse = (why: string) =>
    new SeglogError(
      "invalid-argument",
      `Cannot grant ${JSON.stringify(text.slice(0, 80))}: ${why}; ` +
        "write scopes and a pattern of topics, such as produce,consume:orders.*",
    );
  if (text.length > GRANTS_TEXT_MAX) throw refuse(`it is longer than ${GRANTS_TEXT_MAX}`);
  const parts = text.split(";");
  if (parts.length > GRANTS_MAX) throw refuse(`it has more than ${GRANTS_MAX} parts`);
  return parts.map((part) => {
    const colon = part.indexOf(":");
    const pattern = colon < 0 ? "*" : part.slice(colon + 1).trim();
    if (pattern === "") throw refuse("a pattern is empty");
    const words = (colon < 0 ? part : part.slice(0, colon)).split(",").map((word) => word.trim());
    const strange = words.find((word) => !SCOPES.includes(word as Scope));
    if (strange !== undefined) {
      throw refuse(`${JSON.stringify(strange)} is no scope, which are ${SCOPES.join(", ")}`);
    }
    return { scopes: SCOPES.filter((scope) => words.includes(scope)), pattern };
  });
}

/** Whether a name fits: after a star that fails, only the last one tries again further on. */
function fits(pattern: string, name: string): boolean {
  let at = 0;
  let wanted = 0;
  let star = -1;
  let afterStar = 0;
  while (at < name.length) {
    if (pattern[wanted] === "*") {
      star = wanted++;
      afterStar = at;
    } else if (pattern[wanted] === name[at]) {
      wanted++;
      at++;
    } else if (star >= 0) {
      wanted = star + 1;
      at = ++afterStar;
    } else return false;
  }
  while (pattern[wanted] === "*") wanted++;
  return wanted === pattern.length;
}
