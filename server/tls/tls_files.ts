/**
 * The files that a server proves itself with: read, and checked before anything relies on them. The
 * runtimes take a key that does not belong to its certificate, or authorities that are none, and
 * fail at each handshake instead; here it is said at once, by the name of the file.
 *
 * @module
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { TLS_FILE_BYTES_MAX } from "../limits.ts";

/** Where the certificates are: PEM files. */
export interface TlsFiles {
  /** The server's certificate, and behind it those between it and the authority. */
  readonly cert: string;
  /** The private key of the certificate. */
  readonly key: string;
  /** The authorities whose client certificates are taken; without it none are asked for. */
  readonly clientCa?: string | undefined;
}

/** What the files hold. */
export interface TlsContent {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads the files. @throws {SeglogError} `invalid-argument`, naming the file that cannot be read */
export async function readTlsFiles({ cert, key, clientCa }: TlsFiles): Promise<TlsContent> {
  return {
    cert: await readPem(cert),
    key: await readPem(key),
    clientCa: clientCa === undefined ? undefined : await readPem(clientCa),
  };
}

/**
 * Checks that the parts belong together.
 *
 * @returns the server's own certificate
 * @throws {SeglogError} `invalid-argument`, naming the file that is wrong
 */
export function checkTlsContent(content: TlsContent, files: TlsFiles): X509Certificate {
  const [own] = certificatesOf(content.cert, files.cert);
  if (!own!.checkPrivateKey(privateKeyOf(content.key, files.key))) {
    throw refusal(files.key, `it is not the key of the certificate in ${files.cert}`);
  }
  if (content.clientCa !== undefined) certificatesOf(content.clientCa, files.clientCa!);
  return own!;
}

async function readPem(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw refusal(path, isMissing ? "there is no such file" : messageOf(cause), cause);
  }
  if (bytes.length > TLS_FILE_BYTES_MAX) {
    throw refusal(path, `it is larger than ${TLS_FILE_BYTES_MAX} bytes`);
  }
  return new TextDecoder().decode(bytes);
}

/** At least one. */
function certificatesOf(pem: string, path: string): X509Certificate[] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw refusal(path, "it has no certificate in PEM");
  return blocks.map((block) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw refusal(path, `a certificate in it is damaged (${messageOf(cause)})`, cause);
    }
  });
}

function privateKeyOf(pem: string, path: string): KeyObject {
  if (pem.includes("ENCRYPTED")) {
    throw refusal(path, "the key is encrypted; decrypt it, and let only the server's user read it");
  }
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw refusal(path, `it has no private key in PEM (${messageOf(cause)})`, cause);
  }
}

function refusal(path: string, why: string, cause?: unknown): SeglogError {
  return new SeglogError("invalid-argument", `Cannot use ${path} for TLS: ${why}`, { cause });
}
