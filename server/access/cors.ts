/**
 * What a browser asks before it lets a page of an allowed origin send requests and read answers.
 *
 * There is nothing of it where no origin is allowed. Cookies are never asked for: the server has
 * none, so whoever asks shows a token.
 *
 * @module
 */
import { type CallerRules, isAllowedOrigin } from "./callers.ts";

/** How long a browser need not ask again. */
const MAX_AGE_SECONDS = 600;
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";

/**
 * The headers of any answer, refusals included, on a server that allows origins.
 *
 * @param origin the header `Origin`
 */
export function corsHeaders(
  rules: CallerRules,
  origin: string | undefined,
): Readonly<Record<string, string>> {
  if (rules.origins.length === 0) return {};
  // A cache must not give one origin's answer to another.
  const vary = { "vary": "Origin" };
  if (origin === undefined || !isAllowedOrigin(rules, origin)) return vary;
  return {
    ...vary,
    "access-control-allow-origin": origin,
    "access-control-expose-headers": "*",
  };
}

/** What a browser asks first. */
export interface Preflight {
  readonly method: string;
  readonly origin: string | undefined;
  /** `Access-Control-Request-Method` */
  readonly wantedMethod: string | undefined;
  /** `Access-Control-Request-Headers` */
  readonly wantedHeaders: string | undefined;
}

/**
 * The headers of the answer to the question of a browser, which is 204.
 *
 * @returns `undefined` for a request that is no such question, or of an origin that is not allowed
 */
export function preflightHeaders(
  rules: CallerRules,
  { method, origin, wantedMethod, wantedHeaders }: Preflight,
): Readonly<Record<string, string>> | undefined {
  if (method !== "OPTIONS" || origin === undefined || wantedMethod === undefined) return undefined;
  if (!isAllowedOrigin(rules, origin)) return undefined;
  return {
    ...corsHeaders(rules, origin),
    "vary": "Origin, Access-Control-Request-Headers",
    "access-control-allow-methods": METHODS,
    ...wantedHeaders === undefined ? {} : { "access-control-allow-headers": wantedHeaders },
    "access-control-max-age": String(MAX_AGE_SECONDS),
  };
}
