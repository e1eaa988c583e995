/**
 * Whether an error says that the certificate of the other side does not count, in three runtimes.
 *
 * @module
 */

/** Codes of it, in Node and in Bun. */
const CODES =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_(GET|VERIFY|DECRYPT)_|ERR_TLS_CERT_|INVALID_(CA|PURPOSE)$|HOSTNAME_MISMATCH$)/;
/** The same in Deno, whose errors may have no code. */
const TEXT = /invalid peer certificate.*$/;
/** What Node adds for who starts programs by its name. */
const ADVICE = /; if the root CA is installed locally.*$/;

/** Why a server's certificate does not count, where that is what went wrong. */
export function distrustIn(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === "string" && CODES.test(code)) return at.message.replace(ADVICE, "") || code;
    const [told] = TEXT.exec(at.message) ?? [];
    if (told !== undefined) return told;
  }
  return undefined;
}
