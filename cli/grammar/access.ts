/**
 * How `token create`, `ls` and `revoke`, and `tenant ls`, `limit` and `rm` are asked for.
 *
 * @module
 */
import { object, or } from "@optique/core/constructs";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { count, duration, orNone, size } from "./values.ts";
import { examples, prose, type Verb, yesOption } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write JSON.` });

const createOptions = object({
  name: argument(string({ metavar: "NAME" }), { description: prose`What it is called.` }),
  grants: multiple(
    option("-g", "--grant", string({ metavar: "GRANT" }), {
      description: prose`Scopes (produce, consume, admin) and a pattern of topics, such as
        produce,consume:orders.*; without a pattern it is all topics. May be given more than once.`,
    }),
  ),
  tenant: optional(option("--tenant", string({ metavar: "TENANT" }), {
    description: prose`Whose topics it is for; those of no tenant unless given.`,
  })),
  ttlMs: optional(option("--expires", duration(), {
    description: prose`It does not count after so long; for ever unless given.`,
  })),
  subject: optional(option("--subject", string({ metavar: "SUBJECT" }), {
    description: prose`Let in who shows a client certificate with this subject, such as
      CN=billing; no token is made.`,
  })),
  shaped,
});
const lsOptions = object({ shaped });
const revokeOptions = object({
  name: argument(string({ metavar: "NAME" }), { description: prose`Its name, or its id.` }),
});

/** The options of `token create`. */
export type TokenCreateOptions = InferValue<typeof createOptions>;
/** The options of `token ls` and `tenant ls`. */
export type AccessLsOptions = InferValue<typeof lsOptions>;
/** The options of `token revoke`. */
export type TokenRevokeOptions = InferValue<typeof revokeOptions>;

const create = command(
  "create",
  map(createOptions, (given): Verb => async (context) => {
    const { createToken } = await import("../commands/token.ts");
    return await createToken(context, given);
  }),
  {
    brief: prose`Make a token.`,
    description: prose`Writes the token on standard output, this one time: only a hash of it is
      kept. From the first token on a server lets nobody in without one.`,
    footer: examples(
      "seglog token create ops --grant admin > ops.token",
      "seglog token create ci --grant produce:orders.* --expires 90d",
      "seglog token create shop --grant admin --tenant acme",
      "seglog token create billing --grant consume:orders --subject CN=billing",
    ),
  },
);

const ls = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listTokens } = await import("../commands/token.ts");
    return await listTokens(context, given);
  }),
  {
    brief: prose`List who may come in.`,
    footer: examples("seglog token ls", "seglog token ls -J"),
  },
);

const revoke = command(
  "revoke",
  map(revokeOptions, (given): Verb => async (context) => {
    const { revokeToken } = await import("../commands/token.ts");
    return await revokeToken(context, given);
  }),
  {
    brief: prose`Take a token back, at once.`,
    footer: examples("seglog token revoke ci"),
  },
);

export const tokenGrammar = command("token", or(create, ls, revoke), {
  brief: prose`Say who may use a server.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog token create ops --grant admin",
    "seglog --at https://log.example:8080 token ls",
    "seglog token create --help",
  ),
});

const tenant = argument(string({ metavar: "TENANT" }), { description: prose`Its name.` });

const limitOptions = object({
  tenant,
  bytesPerSecond: optional(option("--bytes-per-second", orNone(size()), {
    description: prose`Bytes that it appends and reads.`,
  })),
  requestsPerSecond: optional(option("--requests-per-second", orNone(count("N", 1)), {
    description: prose`Requests that are answered.`,
  })),
  storedBytes: optional(option("--stored-bytes", orNone(size()), {
    description: prose`Bytes of its segments.`,
  })),
  topics: optional(option("--topics", orNone(count("N", 1)), {
    description: prose`Topics, each counted once for each of its partitions.`,
  })),
});
const rmOptions = object({ tenant, yes: yesOption });

/** The options of `tenant limit`. */
export type TenantLimitOptions = InferValue<typeof limitOptions>;
/** The options of `tenant rm`. */
export type TenantRmOptions = InferValue<typeof rmOptions>;

const tenantLs = command(
  "ls",
  map(lsOptions, (given): Verb => async (context) => {
    const { listTenants } = await import("../commands/tenant.ts");
    return await listTenants(context, given);
  }),
  {
    brief: prose`List the tenants, with what they have and may have.`,
    footer: examples("seglog tenant ls", "seglog tenant ls -J"),
  },
);

const limit = command(
  "limit",
  map(limitOptions, (given): Verb => async (context) => {
    const { limitTenant } = await import("../commands/tenant.ts");
    return await limitTenant(context, given);
  }),
  {
    brief: prose`Say how much a tenant may have.`,
    description: prose`What is not named stays as it is.`,
    footer: examples(
      "seglog tenant limit acme --stored-bytes 10GiB --topics 100",
      "seglog tenant limit acme --requests-per-second none",
    ),
  },
);

const rm = command(
  "rm",
  map(rmOptions, (given): Verb => async (context) => {
    const { removeTenant } = await import("../commands/tenant.ts");
    return await removeTenant(context, given);
  }),
  {
    brief: prose`Remove a tenant with its tokens, its topics and its quota.`,
    description: prose`Asks on a terminal, else needs -y.`,
    footer: examples("seglog tenant rm acme"),
  },
);

export const tenantGrammar = command("tenant", or(tenantLs, limit, rm), {
  brief: prose`Look at tenants, limit and remove them.`,
  usageLine: [{ type: "literal", value: "VERB …" }],
  footer: examples(
    "seglog token create shop --grant admin --tenant acme",
    "seglog tenant limit acme --stored-bytes 10GiB",
    "seglog tenant ls",
  ),
});
