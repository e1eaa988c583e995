/**
 * What is kept of those who may come in.
 *
 * @module
 */
import { z } from "zod";
import {
  CREDENTIAL_NAME_MAX,
  CREDENTIAL_TTL_MS_MAX,
  GRANTS_TEXT_MAX,
  SUBJECT_MAX,
} from "../limits.ts";
import { parseGrants } from "./grant.ts";
import { DEFAULT_TENANT, type Principal } from "./principal.ts";

/** Names of tenants: they are in the names of their topics. */
export const tenantName: z.ZodType<string> = z.string().regex(
  /^[a-z0-9][a-z0-9-]{0,39}$/,
  "a tenant's name has 1 to 40 of a-z, 0-9 and -, and does not begin with -",
);

const name = z.string().min(1).max(CREDENTIAL_NAME_MAX)
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._@/-]*$/u, "a name has letters, digits, spaces and ._@/-");

const grants = z.string().max(GRANTS_TEXT_MAX).refine((text) => {
  try {
    return parseGrants(text).length > 0;
  } catch {
    return false;
  }
}, "write scopes (produce, consume, admin) and a pattern, such as produce,consume:orders.*");

const subject = z.string().min(1).max(SUBJECT_MAX);

const stored = {
  id: z.string().regex(/^[0-9a-f]{12}$/),
  name,
  tenant: tenantName,
  grants,
  /** Milliseconds since 1970. */
  createdAt: z.number(),
  expiresAt: z.number().nullable(),
};

const credential = z.discriminatedUnion("kind", [
  z.object({ ...stored, kind: z.literal("token"), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ ...stored, kind: z.literal("certificate"), subject }),
]);

/** A token, of which only a hash is kept, or the subject of a client certificate. */
export type Credential = z.infer<typeof credential>;

/** What is asked for of a new one. */
export const newCredential = z.strictObject({
  name,
  grants,
  tenant: tenantName.default(DEFAULT_TENANT),
  /** It does not count after so long. */
  ttlMs: z.number().int().min(1).max(CREDENTIAL_TTL_MS_MAX).optional(),
  /** Makes it one for client certificates with this subject, and no token. */
  subject: subject.optional(),
});

/** The same, as it is given. */
export type NewCredential = z.input<typeof newCredential>;

/** What is shown of a credential: nothing that lets anybody in. */
export interface ShownCredential {
  readonly id: string;
  readonly kind: Credential["kind"];
  readonly name: string;
  readonly tenant: string;
  readonly grants: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** Of a certificate. */
  readonly subject?: string;
}

/** Reads what is kept. @throws what says that it is none */
export function parseCredential(value: unknown): Credential {
  return credential.parse(value);
}

/** Without what is secret. */
export function shownCredential(credential: Credential): ShownCredential {
  const { id, kind, name, tenant, grants, createdAt, expiresAt } = credential;
  return {
    ...{ id, kind, name, tenant, grants },
    createdAt: new Date(createdAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    ...kind === "certificate" ? { subject: credential.subject } : {},
  };
}

/** Whoever shows it. */
export function principalOf({ name, tenant, grants }: Credential): Principal {
  return { name, tenant, grants: parseGrants(grants), isKnown: true };
}
