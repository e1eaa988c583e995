/**
 * An operator, an account with JetStream, and users of it, as `nsc` makes them: a nats-server that knows
 * the operator lets in who has a file of credentials.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { nkeys } from "@nats-io/transport-node";

type KeyPair = ReturnType<typeof nkeys.createUser>;

const UNLIMITED = { subs: -1, data: -1, payload: -1 };

/** Signs accounts and users. */
export class Operator {
  readonly #key = nkeys.createOperator();
  readonly #account = nkeys.createAccount();

  /** What a server is told of it. */
  get config(): string {
    const operator = signed(this.#key, this.#key, { type: "operator" });
    const account = signed(this.#account, this.#key, {
      type: "account",
      limits: {
        ...UNLIMITED,
        ...{ imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
        ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
      },
    });
    const system = nkeys.createAccount();
    return [
      `operator: ${operator}`,
      `system_account: ${system.getPublicKey()}`,
      "resolver: MEMORY",
      "resolver_preload: {",
      `${this.#account.getPublicKey()}: ${account}`,
      `${system.getPublicKey()}: ${signed(system, this.#key, { type: "account" })}`,
      "}",
    ].join("\n");
  }

  /** The text of a file of credentials. @param expiresMs until when they count; for ever unless given */
  user(expiresMs?: number): string {
    const user = nkeys.createUser();
    const jwt = signed(user, this.#account, { type: "user", ...UNLIMITED }, expiresMs);
    const seed = new TextDecoder().decode(user.getSeed());
    return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n` +
      `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
  }
}

function signed(
  of: KeyPair,
  by: KeyPair,
  claims: Readonly<Record<string, unknown>>,
  expiresMs?: number,
): string {
  const seconds = Math.floor(Date.now() / 1000);
  const told = [
    { typ: "JWT", alg: "ed25519-nkey" },
    {
      jti: crypto.randomUUID(),
      iat: seconds,
      ...expiresMs === undefined ? {} : { exp: Math.floor(expiresMs / 1000) },
      iss: by.getPublicKey(),
      sub: of.getPublicKey(),
      name: "test",
      nats: { version: 2, ...claims },
    },
  ].map((part) => base64url(JSON.stringify(part))).join(".");
  return `${told}.${base64url(by.sign(new TextEncoder().encode(told)))}`;
}

function base64url(content: string | Uint8Array): string {
  return Buffer.from(content as string).toString("base64url");
}
