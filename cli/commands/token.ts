/**
 * `token create`, `ls` and `revoke`.
 *
 * @module
 */
import { openAccessDesk } from "../access_desk.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { AccessLsOptions, TokenCreateOptions, TokenRevokeOptions } from "../grammar/access.ts";
import type { Context } from "../grammar/verb.ts";
import { writeRows } from "../table.ts";

/** Makes a token: standard output has it and nothing else. */
export async function createToken(context: Context, options: TokenCreateOptions): Promise<number> {
  const { name, grants, tenant, ttlMs, subject, shaped } = options;
  const { output } = context;
  if (grants.length === 0) {
    throw new UsageError(
      `say what it may do, as in: seglog token create ${name} --grant produce,consume:orders.*`,
    );
  }
  await using desk = await openAccessDesk(context, true);
  const { required } = await desk.tokens();
  const { token, ...made } = await desk.makeToken({
    name,
    grants: grants.join(";"),
    ...tenant === undefined ? {} : { tenant },
    ...ttlMs === undefined ? {} : { ttlMs },
    ...subject === undefined ? {} : { subject },
  });
  if (shaped) await output.line(JSON.stringify({ version: 1, ...made, token }));
  else if (token !== undefined) await output.line(token);
  const until = made.expiresAt === null ? "" : ` until ${made.expiresAt}`;
  output.note(
    token === undefined
      ? `seglog: ${made.subject} may ${made.grants}${until}`
      : `seglog: "${made.name}" may ${made.grants}${until}; the token is shown only now`,
  );
  if (!required) output.note("seglog: from now on a server lets nobody in without credentials");
  return EXIT_OK;
}

/** Lists who may come in, without what is secret. */
export async function listTokens(context: Context, { shaped }: AccessLsOptions): Promise<number> {
  const { output } = context;
  await using desk = await openAccessDesk(context, false);
  const { tokens, required } = await desk.tokens();
  if (shaped) {
    for (const token of tokens) await output.line(JSON.stringify({ version: 1, ...token }));
  } else if (tokens.length === 0) {
    output.note(
      required
        ? "seglog: there are no tokens, and a server lets nobody in; make one in the folder"
        : "seglog: there are no tokens: a server trusts whoever reaches it",
    );
  } else {
    await writeRows(output, {
      headings: ["NAME", "KIND", "TENANT", "GRANTS", "EXPIRES", "ID"],
      rows: tokens.map(({ name, kind, tenant, grants, expiresAt, id, subject }) => [
        name,
        subject === undefined ? kind : `${kind} ${subject}`,
        tenant,
        grants,
        expiresAt ?? "never",
        id,
      ]),
    });
  }
  return EXIT_OK;
}

/** Takes one back. */
export async function revokeToken(context: Context, options: TokenRevokeOptions): Promise<number> {
  await using desk = await openAccessDesk(context, false);
  await desk.revokeToken(options.name);
  context.output.note(`seglog: revoked "${options.name}"`);
  return EXIT_OK;
}
