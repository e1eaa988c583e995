/** Mutants of who may do what: grants, credentials, tenants and their quotas, roles. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const GRANTS = ["tests/server/access/grant_test.ts"];
const TOKENS = ["tests/server/access/tokens_test.ts"];
const BORDERS = ["tests/server/access/borders_test.ts"];
const QUOTAS = ["tests/server/tenants/quotas_test.ts"];
const ROLES = ["tests/server/roles_test.ts"];
const GUARDED = ["tests/server/access/guarded_backend_test.ts"];
const TENANTS = ["tests/server/tenants/tenants_test.ts"];

export const ACCESS_MUTANTS: readonly Mutant[] = [
  ...of(
    "server/access/grant.ts",
    GRANTS,
    ["a grant is for the topics of its pattern", "&& concerns(grant, topic);", ";"],
    [
      "one scope is not another",
      '(scopes.includes(scope) || scopes.includes("admin"))',
      "scopes.length > 0",
    ],
    ["a pattern fits up to the end of a name", "return wanted === pattern.length;", "return true;"],
  ),
  ...of(
    "server/access/principal.ts",
    GRANTS,
    [
      "what the server keeps for itself is nobody's",
      "return (seesInternal || !isInternalTopic(topic)) &&\n    grants",
      "return grants",
    ],
    [
      "what the server keeps for itself is not shown",
      "return !isInternalTopic(topic) &&\n    grants",
      "return grants",
      BORDERS,
    ],
    [
      "an admin of all topics of a tenant does not run the server",
      "return principal.tenant === DEFAULT_TENANT && administersAll(principal);",
      "return administersAll(principal);",
      BORDERS,
    ],
    [
      "an admin of some topics does not run the server",
      'pattern === "*" && scopes.includes("admin")',
      'scopes.includes("admin")',
      BORDERS,
    ],
  ),
  ...of(
    "server/catalogue.ts",
    ["tests/server/late_source_test.ts"],
    [
      "what a copy that was never whole has may be out of date, and what it has not may be there",
      "      if (!following.wasWhole) throw error;\n",
      "",
    ],
    [
      "what a copy that was whole has not got was not there",
      "nextOffset > 0, isNotFound);",
      "nextOffset > 0, () => false);",
    ],
  ),
  ...of(
    "server/access/guarded_backend.ts",
    GUARDED,
    [
      "what may not be seen is not in lists",
      "maySee(principal, topic) ? topic : undefined",
      "topic",
    ],
    [
      "whoever may see a topic may not do anything with it",
      "else demand(principal, use, topic);",
      "else demandSight(principal, topic);",
    ],
  ),
  ...of(
    "server/layered_backend.ts",
    GUARDED,
    [
      "to read a record is to consume",
      '"consume", (name) => this.#inner.read(name, offset, partition));',
      '"see", (name) => this.#inner.read(name, offset, partition));',
    ],
    [
      "to read batches is to consume",
      'this.#inner.batches(this.#enter(topic, "consume"), options);',
      'this.#inner.batches(this.#enter(topic, "see"), options);',
    ],
    [
      "to append encoded batches is to produce",
      '"produce",\n      (name) => named(topic, name, this.#inner.appendBatch(',
      '"see",\n      (name) => named(topic, name, this.#inner.appendBatch(',
    ],
  ),
  ...of(
    "server/access/credentials.ts",
    TOKENS,
    [
      "the secret of a token is compared",
      "if (!isSecretOf(hash, parts.secret) || credential === undefined) {",
      "if (credential === undefined) {",
    ],
    [
      "a token counts until its time is over",
      "if (expiresAt !== null && expiresAt <= this.#clock.now()) {",
      "if (expiresAt === -1) {",
    ],
    [
      "who came in is told when the time of a token is over",
      "callAt(this.#clock, expiresAt, () => inUse.end());",
      "() => {};",
    ],
    ["who came in is told when a token is revoked", "this.#inUse.get(id)?.end();", ""],
    [
      "who came in without credentials is told of the first ones",
      "      this.#open.abort();\n",
      "",
    ],
    [
      "credentials are needed when the last one was revoked, too",
      "return this.#catalogue.isBegun;",
      "return [...this.#catalogue.values()].length > 0;",
    ],
    [
      "a name is taken once",
      "if (taken === undefined) continue;",
      "if (taken !== name) continue;",
    ],
  ),
  ...of(
    "server/front_desk.ts",
    BORDERS,
    [
      "a visitor's backend is guarded",
      "guardedBackend(inRole(metered, this.#role), principal);",
      "inRole(metered, this.#role);",
    ],
    [
      "a visitor's backend has the role of the server",
      "guardedBackend(inRole(metered, this.#role), principal);",
      "guardedBackend(metered, principal);",
      ["tests/server/grpc/roles_test.ts"],
    ],
    ["each request counts", "visitor.tenant.quota.takeRequest();", "", QUOTAS],
    [
      "others reach a server only where there are credentials, also when it turns out late",
      "    if (this.#areDemanded && !credentials.areNeeded) throw nobodyKnown();\n",
      "",
      ["tests/server/late_source_test.ts"],
    ],
  ),
  ...of(
    "server/tenants/tenant_backend.ts",
    TENANTS,
    [
      "a tenant sees only its own topics",
      "topic.startsWith(prefix) ? topic.slice(prefix.length) : undefined",
      "topic",
    ],
    [
      "who runs the server does not see a tenant's topics among its own",
      "TENANT_TOPIC.test(topic) ? undefined : topic,",
      "topic,",
    ],
    [
      "a tenant's topic has no other name",
      "if (!TENANT_TOPIC.test(topic)) return topic;",
      "if (topic) return topic;",
    ],
    [
      "a tenant is not told what its topics are called below",
      'message.replaceAll(prefix, "")',
      "message",
      BORDERS,
    ],
  ),
  ...of(
    "server/tenants/tenant_book.ts",
    TENANTS,
    [
      "the credentials of a tenant end with it",
      "if (each.tenant === tenant) await credentials.revoke(each.id);",
      "",
    ],
  ),
  ...of(
    "server/tenants/token_bucket.ts",
    QUOTAS,
    [
      "a bucket holds what one second brings",
      "Math.min(rate, this.#level + rate * passedMs / SECOND_MS)",
      "this.#level === Infinity ? rate : this.#level + rate * passedMs / SECOND_MS",
    ],
  ),
  ...of(
    "server/tenants/tenant_quota.ts",
    QUOTAS,
    [
      "what is about to be stored counts",
      "if (used + bytes > limit) throw",
      "if (used > limit) throw",
    ],
    [
      "what was refused does not count as stored",
      "      this.#appendedBytes -= bytes;\n      this.#bytes.give(bytes);",
      "      this.#bytes.give(bytes);",
    ],
  ),
  ...of(
    "server/tenants/quota_backend.ts",
    QUOTAS,
    [
      "each partition counts as a topic",
      "sum + config.partitions, 0)",
      "sum + Math.sign(config.partitions), 0)",
    ],
    [
      "a topic that is made by an append counts",
      "this.#known.has(topic) || this.#quota",
      "this.#known !== undefined || this.#quota",
    ],
    [
      "encoded batches count as stored",
      "this.#store(topic, batch.bytes.length, append) : append();\n  }\n\n  override ensureTopic(",
      "append() : append();\n  }\n\n  override ensureTopic(",
    ],
    [
      "batches that are read count",
      "this.#quota.takeBytes(batch.bytes.length);",
      "",
    ],
    [
      "what the server keeps for a tenant is not refused",
      "this.#quota.limits !== undefined && !isInternalTopic(topic);",
      "this.#quota.limits !== undefined;",
    ],
  ),
  ...of(
    "server/roles.ts",
    ROLES,
    [
      "a route that changes topics writes",
      'return isChange ? "write" : undefined;',
      "return undefined;",
    ],
    [
      "a backend in a role does no other work",
      'if (use !== "see") demandRole(role, use === "consume" ? "read" : "write");',
      "",
    ],
  ),
];
