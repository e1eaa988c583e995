/**
 * What is shown to a server: the token and the certificates that flags and variables name.
 *
 * A token is never the value of an option: whoever lists the processes of the machine would see it.
 *
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import type { ConnectOptions } from "../client/connect.ts";
import { messageOf } from "../core/base/errors.ts";
import { UsageError } from "./exit.ts";
import type { Context } from "./grammar/verb.ts";

/**
 * What a connection to a server is made with. Certificates that only variables name are for servers
 * with TLS, and leave others alone.
 *
 * @throws {UsageError} for files that cannot be read
 */
export function shownToServer(
  { at, io: { env }, access = {} }: Context,
): Pick<ConnectOptions, "token" | "tls"> {
  return {
    token: tokenOf(access.tokenFile, env),
    tls: tlsOf(access, /^https:/i.test(at) ? env : {}),
  };
}

/** The same of a cluster, which may also want a file with credentials: SEGLOG_NATS_CREDS. */
export function shownToCluster(
  { at, io: { env }, access = {} }: Context,
): Pick<ConnectOptions, "token" | "tls" | "credentials"> {
  return {
    token: tokenOf(access.tokenFile, env),
    tls: tlsOf(access, /^tls:/i.test(at) ? env : {}),
    credentials: env.SEGLOG_NATS_CREDS || undefined,
  };
}

/** Certificates that only variables name are for places with TLS. */
function tlsOf(
  access: NonNullable<Context["access"]>,
  variables: Context["io"]["env"],
): ConnectOptions["tls"] {
  const ca = contentOf(access.caFile ?? variables.SEGLOG_CA_FILE);
  const cert = contentOf(access.certFile ?? variables.SEGLOG_CERT_FILE);
  const key = contentOf(access.keyFile ?? variables.SEGLOG_KEY_FILE);
  return ca === undefined && cert === undefined && key === undefined
    ? undefined
    : { ca, cert, key };
}

/** By a flag, by a variable that holds it, or by one that names its file. */
function tokenOf(flag: string | undefined, env: Context["io"]["env"]): string | undefined {
  if (flag === undefined && env.SEGLOG_TOKEN) return env.SEGLOG_TOKEN.trim();
  const path = flag ?? env.SEGLOG_TOKEN_FILE;
  const token = contentOf(path)?.trim();
  if (token === "") throw new UsageError(`cannot use the token in ${path}: the file is empty`);
  return token;
}

function contentOf(path: string | undefined): string | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const why = existsSync(path) ? messageOf(error) : "there is no such file";
    throw new UsageError(`cannot read ${path}: ${why}`);
  }
}
