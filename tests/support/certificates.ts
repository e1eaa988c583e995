/** Certificates that a test makes for itself, good ones and bad ones. */
import * as fs from "node:fs";
import { join } from "node:path";
import { Authority, type Holder, type Pair, type Validity } from "../../cli/cert/certificates.ts";
import { tempDir } from "./temp_dir.ts";

const HOUR_MS = 3600 * 1000;

export const VALID: Validity = {
  fromMs: Date.now() - HOUR_MS,
  untilMs: Date.now() + 30 * 24 * HOUR_MS,
};
export const EXPIRED: Validity = { fromMs: VALID.fromMs, untilMs: Date.now() - 60_000 };
export const NOT_YET: Validity = { fromMs: Date.now() + HOUR_MS, untilMs: VALID.untilMs };

export const LOCAL: Holder = { kind: "server", hosts: ["localhost", "127.0.0.1"] };

/** An authority with a folder for what it signs. */
export interface CertFolder extends AsyncDisposable {
  readonly path: string;
  readonly authority: Authority;
  /** The certificate of the authority, in PEM. */
  readonly ca: string;
  file(name: string): string;
  write(name: string, text: string): string;
  issue(holder: Holder, validity?: Validity): Promise<Pair>;
  /** A client's certificate and key, as `node:tls` takes them. */
  client(name: string, validity?: Validity): Promise<Pair>;
  /** Writes the pair of a server into `server.crt` and `server.key`. */
  writeServer(pair?: Pair): Promise<void>;
  /** The files of the server; `ca.crt` is there for its clients. */
  readonly files: { readonly cert: string; readonly key: string; readonly clientCa: string };
}

export async function certFolder(): Promise<CertFolder> {
  const dir = tempDir();
  const authority = await Authority.create(VALID);
  const file = (name: string) => join(dir.path, name);
  const write = (name: string, text: string) => {
    fs.writeFileSync(file(name), text);
    return file(name);
  };
  const issue = (holder: Holder, validity = VALID) => authority.issue(holder, validity);
  const folder: CertFolder = {
    path: dir.path,
    authority,
    ca: authority.pair.cert,
    file,
    write,
    issue,
    client: (name, validity) => issue({ kind: "client", name }, validity),
    async writeServer(pair) {
      const { cert, key } = pair ?? await issue(LOCAL);
      write("server.crt", cert);
      write("server.key", key);
    },
    files: { cert: file("server.crt"), key: file("server.key"), clientCa: file("ca.crt") },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
  write("ca.crt", folder.ca);
  await folder.writeServer();
  return folder;
}
