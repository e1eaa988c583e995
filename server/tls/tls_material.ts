/**
 * The certificates of a server while it runs: looked at again and again, so that new ones are taken
 * without a restart. What is wrong with new ones is told, and those before them stay.
 *
 * @module
 */
import type { X509Certificate } from "node:crypto";
import { type Clock, systemClock } from "../../core/base/clock.ts";
import { messageOf } from "../../core/base/errors.ts";
import { TLS_LOOK_MS } from "../limits.ts";
import { checkTlsContent, readTlsFiles, type TlsContent, type TlsFiles } from "./tls_files.ts";

/** What `createServer` of `node:tls` and `createSecureServer` of `node:http2` take. */
export interface TlsContext {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
  readonly minVersion: "TLSv1.3";
  /** Whether clients are asked for a certificate. */
  readonly requestCert: boolean;
  /** A client may have a token instead; a certificate that does not count is refused by `peerOf`. */
  readonly rejectUnauthorized: false;
}

/** How certificates are looked after. */
export interface TlsMaterialOptions {
  readonly clock?: Clock;
  /** Takes what the server's own log should say. */
  readonly onNotice?: (notice: string) => void;
}

const DAY_MS = 24 * 3600 * 1000;
/** A certificate that ends sooner than this is told of. */
const ENDS_SOON_MS = 14 * DAY_MS;

/** Certificates and keys that are in use. */
export class TlsMaterial {
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  readonly #notice: (text: string) => void;
  readonly #followers = new Set<(context: TlsContext) => void>();
  #content: TlsContent;
  #own: X509Certificate;
  #names: ReadonlySet<string>;
  /** What was refused, so that it is told of once. */
  #refused = "";
  /** What was told of the end of the certificate. */
  #toldOfEnd = "";
  #looking: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;

  private constructor(
    files: TlsFiles,
    loaded: { readonly content: TlsContent; readonly own: X509Certificate },
    { clock = systemClock, onNotice = () => {} }: TlsMaterialOptions,
  ) {
    this.#files = files;
    this.#content = loaded.content;
    this.#own = loaded.own;
    this.#names = namesOf(loaded.own);
    this.#clock = clock;
    this.#notice = onNotice;
    this.#tellOfEnd();
    this.#lookLater();
  }

  /**
   * Loads certificates, and looks for new ones every ten seconds from then on.
   *
   * @throws {SeglogError} `invalid-argument` when a file cannot be read or the parts do not fit
   */
  static async load(files: TlsFiles, options: TlsMaterialOptions = {}): Promise<TlsMaterial> {
    const content = await readTlsFiles(files);
    return new TlsMaterial(files, { content, own: checkTlsContent(content, files) }, options);
  }

  /** What servers are made with. */
  context(): TlsContext {
    const { cert, key, clientCa } = this.#content;
    return {
      cert,
      key,
      ...clientCa === undefined ? {} : { ca: clientCa },
      minVersion: "TLSv1.3",
      requestCert: clientCa !== undefined,
      rejectUnauthorized: false,
    };
  }

  /** Whether clients can prove themselves with a certificate. */
  get knowsClients(): boolean {
    return this.#content.clientCa !== undefined;
  }

  /** Whether the certificate is for a host of this name, in lower case. */
  isFor(name: string): boolean {
    const below = name.replace(/^[^.]+/, "*");
    return this.#names.has(name) || this.#names.has(below);
  }

  /** Calls `listener` with each new context; returns the undoing. Open connections keep theirs. */
  follow(listener: (context: TlsContext) => void): () => void {
    this.#followers.add(listener);
    return () => void this.#followers.delete(listener);
  }

  /** Looks for new certificates now. It never rejects: what is wrong is told as a notice. */
  reload(): Promise<void> {
    return this.#looking = this.#looking.then(() => this.#look());
  }

  /** Ends looking. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#followers.clear();
  }

  #lookLater(): void {
    this.#cancel = this.#clock.after(TLS_LOOK_MS, async () => {
      await this.reload();
      if (this.#cancel !== undefined) this.#lookLater();
    });
  }

  async #look(): Promise<void> {
    let seen = "";
    try {
      const content = await readTlsFiles(this.#files);
      seen = JSON.stringify(content);
      if (seen === JSON.stringify(this.#content)) {
        this.#refused = "";
        return this.#tellOfEnd();
      }
      const own = checkTlsContent(content, this.#files);
      this.#content = content;
      this.#own = own;
      this.#names = namesOf(own);
    } catch (error) {
      const refused = `${seen}${messageOf(error)}`;
      if (refused !== this.#refused) {
        this.#notice(`${messageOf(error)}; the certificates before stay in use`);
      }
      this.#refused = refused;
      return;
    }
    this.#refused = "";
    this.#notice(`took new certificates from ${this.#files.cert}`);
    this.#tellOfEnd();
    for (const listener of this.#followers) listener(this.context());
  }

  /** Once when the end is near, and once when it has come. */
  #tellOfEnd(): void {
    const { validTo } = this.#own;
    const { cert } = this.#files;
    const leftMs = Date.parse(validTo) - this.#clock.now();
    let told = "";
    if (leftMs <= 0) told = `the certificate in ${cert} expired on ${validTo}: clients refuse it`;
    else if (leftMs < ENDS_SOON_MS) {
      told = `the certificate in ${cert} expires on ${validTo}: put a new one there`;
    }
    if (told !== "" && told !== this.#toldOfEnd) this.#notice(told);
    this.#toldOfEnd = told;
  }
}

/** The names in a certificate. That of Deno does not know which hosts a star stands for. */
function namesOf({ subjectAltName = "" }: X509Certificate): ReadonlySet<string> {
  const entries = subjectAltName.split(", ").filter((entry) => entry.startsWith("DNS:"));
  return new Set(entries.map((entry) => entry.slice("DNS:".length).toLowerCase()));
}
