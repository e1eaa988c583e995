/**
 * A JSON document with a checksum over its body, so that a damaged one is not believed:
 * `{"seglog":kind,"version":1,"crc32":"89abcdef","body":{…}}` on one line. The checksum is over the
 * text of `body` as `JSON.stringify` writes it.
 *
 * @module
 */
import { decodeUtf8, encodeUtf8 } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { SeglogError } from "./errors.ts";
import { checkFormatVersion, FORMAT_VERSION } from "./format_version.ts";

/** The document for `body`. */
export function encodeChecked(kind: string, body: unknown): Uint8Array {
  const text = JSON.stringify(body);
  const crc = checksumOf(text);
  return encodeUtf8(
    `{"seglog":"${kind}","version":${FORMAT_VERSION},"crc32":"${crc}","body":${text}}\n`,
  );
}

/**
 * The body of a document.
 *
 * @param path names the file in messages
 * @throws {SeglogError} `corrupt`, or `unsupported` for a later version
 */
export function decodeChecked(kind: string, bytes: Uint8Array, path: string): unknown {
  let document: { seglog?: unknown; version?: unknown; crc32?: unknown; body?: unknown };
  try {
    document = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    throw new SeglogError("corrupt", `Cannot open ${path}: it is not JSON`, { cause });
  }
  if (document?.seglog !== kind) {
    throw new SeglogError("corrupt", `Cannot open ${path}: it is not a seglog ${kind} file`);
  }
  if (typeof document.version === "number") checkFormatVersion(document.version, path);
  if (document.crc32 !== checksumOf(JSON.stringify(document.body))) {
    throw new SeglogError("corrupt", `Cannot open ${path}: its checksum does not match`);
  }
  return document.body;
}

function checksumOf(text: string | undefined): string {
  return crc32(encodeUtf8(text ?? "")).toString(16).padStart(8, "0");
}
