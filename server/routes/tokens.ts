/**
 * Who may come in: tokens and client certificates, for who runs the server.
 *
 * @module
 */
import { OPERATOR } from "../access/access.ts";
import { madeEvent } from "../access/audit.ts";
import { type NewCredential, shownCredential } from "../access/credential.ts";
import { jsonAnswer } from "../answers.ts";
import type { Exchange, Route } from "../exchange.ts";
import { CREDENTIAL_BODY_BYTES_MAX } from "../limits.ts";

/** The routes of credentials. */
export const TOKEN_ROUTES: readonly Route[] = [
  { method: "GET", path: "/v1/tokens", access: OPERATOR, handle: list },
  { method: "POST", path: "/v1/tokens", access: OPERATOR, handle: make },
  { method: "DELETE", path: "/v1/tokens/:token", access: OPERATOR, handle: revoke },
];

const SECRET = { "cache-control": "no-store" };

async function list(exchange: Exchange): Promise<Response> {
  exchange.query();
  const credentials = await exchange.services.desk.credentials;
  const tokens = credentials.all().map(shownCredential);
  return jsonAnswer({ tokens, required: credentials.areNeeded });
}

/** The only time that the token itself is shown. */
async function make(exchange: Exchange): Promise<Response> {
  exchange.query();
  const given = await exchange.settings(CREDENTIAL_BODY_BYTES_MAX);
  const credentials = await exchange.services.desk.credentials;
  const { credential, token } = await credentials.make(given as NewCredential);
  exchange.services.logger.info(...madeEvent(exchange.principal, credential));
  return jsonAnswer({ ...shownCredential(credential), ...token === undefined ? {} : { token } }, {
    status: 201,
    headers: SECRET,
  });
}

async function revoke(exchange: Exchange): Promise<Response> {
  exchange.query();
  const credentials = await exchange.services.desk.credentials;
  return jsonAnswer(shownCredential(await credentials.revoke(exchange.segment(3))));
}
