/**
 * A folder of certificates for development: `ca.crt`, `server.crt`, one of each client, and a `.key`
 * beside each. What is there stays unless it is to be replaced; the authority always stays, or all
 * that it signed would count no more.
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { Authority, type Holder, type Pair, type Validity } from "./certificates.ts";

/** What became of a certificate. */
export interface CertOutcome {
  /** Its file, next to which its key is. */
  readonly path: string;
  readonly holder: Holder | undefined;
  readonly isNew: boolean;
}

/** A certificate that should be there. */
export interface WantedCert {
  readonly holder: Holder;
  /** Whether it is made anew where it is there. */
  readonly replace: boolean;
}

/** How long what is made counts. */
export interface CertTimes {
  readonly validity: Validity;
  readonly authorityValidity: Validity;
}

const AUTHORITY_NAME = "ca";
const SERVER_NAME = "server";

/**
 * Makes what is not there.
 *
 * @throws {SeglogError} `invalid-argument` when half of a pair is missing, or the authority is none
 */
export async function fillCertFolder(
  folder: string,
  wanted: readonly WantedCert[],
  { validity, authorityValidity }: CertTimes,
): Promise<CertOutcome[]> {
  makeFolder(folder);
  const present = readPair(folder, AUTHORITY_NAME);
  const authority = present === undefined
    ? await Authority.create(authorityValidity)
    : await Authority.read(present);
  if (present === undefined) writePair(folder, AUTHORITY_NAME, authority.pair);
  const outcomes: CertOutcome[] = [
    { path: pathOf(folder, AUTHORITY_NAME), holder: undefined, isNew: present === undefined },
  ];
  for (const { holder, replace } of wanted) {
    const name = holder.kind === "server" ? SERVER_NAME : holder.name;
    const isNew = replace || readPair(folder, name) === undefined;
    if (isNew) writePair(folder, name, await authority.issue(holder, validity));
    outcomes.push({ path: pathOf(folder, name), holder, isNew });
  }
  return outcomes;
}

function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new SeglogError("io", `Cannot make the folder ${folder}: ${messageOf(cause)}`, { cause });
  }
}

function pathOf(folder: string, name: string, ending = "crt"): string {
  return join(folder, `${name}.${ending}`);
}

function readPair(folder: string, name: string): Pair | undefined {
  const paths = [pathOf(folder, name), pathOf(folder, name, "key")] as const;
  const [cert, key] = paths.map((path) => fs.existsSync(path));
  if (!cert && !key) return undefined;
  if (cert && key) {
    return { cert: fs.readFileSync(paths[0], "utf8"), key: fs.readFileSync(paths[1], "utf8") };
  }
  const [there, missing] = cert ? paths : [paths[1], paths[0]];
  throw new SeglogError(
    "invalid-argument",
    `Cannot use ${there}: there is no ${missing} that belongs to it; put it back, or move ${there} away`,
  );
}

/** The key first: with the certificate there, the pair is whole. */
function writePair(folder: string, name: string, { cert, key }: Pair): void {
  replaceFile(pathOf(folder, name, "key"), key, 0o600);
  replaceFile(pathOf(folder, name), cert, 0o644);
}

/** Whoever reads it meanwhile reads the old one or the new one, and a key nobody else ever reads. */
function replaceFile(path: string, text: string, mode: number): void {
  const unfinished = `${path}.tmp`;
  fs.rmSync(unfinished, { force: true });
  fs.writeFileSync(unfinished, text, { mode, flag: "wx" });
  fs.renameSync(unfinished, path);
}
