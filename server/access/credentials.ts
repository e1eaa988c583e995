/**
 * All tokens and client certificates that let somebody in, kept in a topic of the server's own.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { Mutex } from "../../core/base/mutex.ts";
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { callAt } from "../call_at.ts";
import { Catalogue } from "../catalogue.ts";
import { checked } from "../checked.ts";
import type { Caller } from "../front_desk.ts";
import { CREDENTIALS_MAX } from "../limits.ts";
import {
  type Credential,
  type NewCredential,
  newCredential,
  parseCredential,
  principalOf,
} from "./credential.ts";
import { ANYBODY, type Principal } from "./principal.ts";
import { isSecretOf, newId, newToken, parseToken } from "./secret.ts";

/** Where credentials are kept. */
export const CREDENTIALS_TOPIC: string = `${INTERNAL_PREFIX}credentials`;

const NO_HASH = "0".repeat(64);

/** Somebody who was recognized. */
export interface Recognized {
  readonly principal: Principal;
  /** Aborted when what they showed does not count any more. */
  readonly ended: AbortSignal;
}

/** Of one credential that somebody came in with. */
interface InUse extends Recognized {
  readonly credential: Credential;
  readonly end: () => void;
}

/** Keeps credentials, and recognizes who shows one. */
export class Credentials {
  readonly #catalogue: Catalogue<Credential>;
  readonly #clock: Clock;
  readonly #making = new Mutex();
  readonly #inUse = new Map<string, InUse>();
  /** For as long as nobody needs any. */
  readonly #open = new AbortController();
  readonly #anybody: Recognized = { principal: ANYBODY, ended: this.#open.signal };

  private constructor(catalogue: Catalogue<Credential>, clock: Clock) {
    this.#catalogue = catalogue;
    this.#clock = clock;
    catalogue.onChange((id) => {
      this.#open.abort();
      this.#inUse.get(id)?.end();
    });
    catalogue.onFailure(() => this.#endAll()); // nobody could be shown out any more
  }

  /** Reads what is kept. @throws {SeglogError} when it cannot be read: then nobody may come in */
  static async open(
    backend: Backend,
    options: { readonly clock: Clock; readonly notice: (text: string) => void },
  ): Promise<Credentials> {
    const catalogue = await Catalogue.open(backend, {
      topic: CREDENTIALS_TOPIC,
      parse: parseCredential,
      ...options,
    });
    return new Credentials(catalogue, options.clock);
  }

  /**
   * Whether credentials have to be shown: from the first that was kept on, and also when the last
   * one is revoked.
   */
  get areNeeded(): boolean {
    return this.#catalogue.isBegun;
  }

  /** All of them, those that are over included, by name. */
  all(): readonly Credential[] {
    return [...this.#catalogue.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  /**
   * Makes one.
   *
   * @returns with the `token`, which is not kept and never shown again, where it is one
   * @throws {SeglogError} `invalid-argument`; `exists` for a name or a subject that is taken
   */
  make(given: NewCredential): Promise<{ credential: Credential; token: string | undefined }> {
    const { name, tenant, grants, ttlMs, subject } = checked(newCredential, given, "the token");
    return this.#making.run(async () => {
      const others = [...this.#catalogue.values()];
      for (const other of others) {
        const taken = takenBy(other, { name, subject });
        if (taken === undefined) continue;
        throw new SeglogError("exists", `Cannot make "${name}": ${taken}; revoke it first`);
      }
      if (others.length >= CREDENTIALS_MAX) {
        throw new SeglogError(
          "overloaded",
          `Cannot make "${name}": there are ${CREDENTIALS_MAX}, which are the most; revoke some`,
        );
      }
      const now = this.#clock.now();
      const id = newId();
      const expiresAt = ttlMs === undefined ? null : now + ttlMs;
      const common = { id, name, tenant, grants, createdAt: now, expiresAt };
      if (subject !== undefined) {
        return {
          credential: await this.#keep({ ...common, kind: "certificate", subject }),
          token: undefined,
        };
      }
      const { token, hash } = newToken(id);
      return { credential: await this.#keep({ ...common, kind: "token", hash }), token };
    });
  }

  /** Takes one back, by its name or its id, at once. @throws {SeglogError} `not-found` */
  async revoke(nameOrId: string): Promise<Credential> {
    const found = this.#catalogue.values().find(({ id, name }) =>
      id === nameOrId || name === nameOrId
    );
    if (found === undefined) {
      throw new SeglogError(
        "not-found",
        `Cannot revoke ${
          JSON.stringify(nameOrId.slice(0, 100))
        }: there is no such token; seglog token ls lists them`,
      );
    }
    await this.#catalogue.delete(found.id);
    return found;
  }

  /**
   * Who shows this. A token counts before a certificate.
   *
   * @returns `undefined` for who shows nothing, where something has to be shown
   * @throws {SeglogError} `unauthenticated` for what does not count
   */
  recognize({ authorization, subject }: Caller): Recognized | undefined {
    if (!this.areNeeded) return this.#anybody;
    if (authorization !== undefined) return this.#use(this.#byToken(authorization));
    return subject === undefined ? undefined : this.#use(this.#bySubject(subject));
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    this.#endAll();
    await this.#catalogue.close();
  }

  #endAll(): void {
    for (const { end } of this.#inUse.values()) end();
  }

  async #keep(credential: Credential): Promise<Credential> {
    await this.#catalogue.set(credential.id, credential);
    return credential;
  }

  #byToken(authorization: string): Credential {
    const [scheme = "", text = ""] = authorization.split(/ +/, 2);
    const parts = scheme.toLowerCase() === "bearer" ? parseToken(text) : undefined;
    if (parts === undefined) {
      throw unauthenticated("it is not Bearer seglog_…, as seglog token create gives it");
    }
    const credential = this.#catalogue.get(parts.id);
    const hash = credential?.kind === "token" ? credential.hash : NO_HASH;
    if (!isSecretOf(hash, parts.secret) || credential === undefined) {
      throw unauthenticated("it is no token of this server, or was revoked");
    }
    return credential;
  }

  #bySubject(subject: string): Credential {
    const found = this.#catalogue.values()
      .find((each) => each.kind === "certificate" && each.subject === subject);
    if (found !== undefined) return found;
    throw unauthenticated(`nobody is known by the certificate of ${JSON.stringify(subject)}`);
  }

  #use(credential: Credential): Recognized {
    const { id, name, expiresAt } = credential;
    if (expiresAt !== null && expiresAt <= this.#clock.now()) {
      throw unauthenticated(`"${name}" has expired; ask for another one`);
    }
    const known = this.#inUse.get(id);
    if (known?.credential === credential) return known;
    const controller = new AbortController();
    const cancel = expiresAt === null
      ? () => {}
      : callAt(this.#clock, expiresAt, () => inUse.end());
    const inUse: InUse = {
      credential,
      principal: principalOf(credential),
      ended: controller.signal,
      end: () => {
        cancel();
        if (this.#inUse.get(id) === inUse) this.#inUse.delete(id);
        controller.abort();
      },
    };
    this.#inUse.set(id, inUse);
    return inUse;
  }
}

/** Names, ids and subjects stand for one credential each. */
function takenBy(
  other: Credential,
  { name, subject }: { readonly name: string; readonly subject: string | undefined },
): string | undefined {
  if (other.name === name) return "there is one";
  if (other.id === name) return `that is the id of "${other.name}"`;
  const isSame = other.kind === "certificate" && other.subject === subject;
  return isSame ? `"${other.name}" has this subject` : undefined;
}

function unauthenticated(why: string): SeglogError {
  return new SeglogError("unauthenticated", `Cannot let you in by what you show: ${why}`);
}
