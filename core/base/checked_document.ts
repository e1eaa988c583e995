/**
 * A JSON document with a checksum over its body, so that a damaged one is not believed:
 * `{"seglog":kind,"version":1,"crc32":"89abcdef","body":{…}}` on one line. The checksum is over the
 * text of `body` as it stands in the file.
 *
 * @module
 */
import { decodeText, decodeUtf8, encodeUtf8, equalBytes } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { SeglogError } from "./errors.ts";
import { checkFormatVersion, FORMAT_VERSION } from "./format_version.ts";

const NAMED = /^\{"seglog":"([a-z]+)","version":(\d+),/;
const CHECKED = /^"crc32":"([0-9a-f]{8})","body":/;
const START_BYTES_MAX = 128;
const END = encodeUtf8("}\n");

/** The document for `body`. */
export function encodeChecked(kind: string, body: unknown): Uint8Array {
  const text = JSON.stringify(body);
  const crc = checksumOf(encodeUtf8(text));
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
  const corrupt = (why: string, cause?: unknown) =>
    new SeglogError("corrupt", `Cannot open ${path}: ${why}`, { cause });
  const start = decodeUtf8(bytes.subarray(0, START_BYTES_MAX));
  const [named, ofKind, version] = NAMED.exec(start) ?? [];
  if (named === undefined || ofKind !== kind) throw corrupt(`it is not a seglog ${kind} file`);
  checkFormatVersion(Number(version), path);
  const [checked, crc] = CHECKED.exec(start.slice(named.length)) ?? [];
  const body = bytes.subarray(named.length + (checked?.length ?? 0), bytes.length - END.length);
  const isWhole = equalBytes(bytes.subarray(bytes.length - END.length), END);
  if (!isWhole || crc !== checksumOf(body)) throw corrupt("its checksum does not match");
  try {
    return JSON.parse(decodeText(body));
  } catch (cause) {
    throw corrupt("its checksum is right, and its body is not JSON", cause);
  }
}

function checksumOf(body: Uint8Array): string {
  return crc32(body).toString(16).padStart(8, "0");
}
