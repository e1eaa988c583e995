/**
 * Credentials and tenants in the OpenAPI document.
 *
 * @module
 */
import { json, parameter, problems, schema } from "./parts.ts";

/** Parameters of these paths. */
export const accessParameters: Record<string, unknown> = {
  token: {
    name: "token",
    in: "path",
    required: true,
    description: "The name of a credential, or its id.",
    schema: { type: "string" },
  },
  tenant: {
    name: "tenant",
    in: "path",
    required: true,
    schema: schema("TenantName"),
  },
};

/** What these paths take and give. */
export const accessSchemas: Record<string, unknown> = {
  TenantName: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,39}$", default: "default" },
  Grants: {
    type: "string",
    description: "Scopes (produce, consume, admin) and a pattern of topics, parted by semicolons.",
    examples: ["produce,consume:orders.*;consume:audit"],
    maxLength: 4096,
  },
  NewCredential: {
    type: "object",
    required: ["name", "grants"],
    additionalProperties: false,
    properties: {
      name: { type: "string", minLength: 1, maxLength: 100 },
      grants: schema("Grants"),
      tenant: schema("TenantName"),
      ttlMs: { type: "integer", minimum: 1, description: "It does not count after so long." },
      subject: {
        type: "string",
        description: "Of client certificates: whoever shows such a one needs no token.",
      },
    },
  },
  Credential: {
    type: "object",
    required: ["id", "kind", "name", "tenant", "grants", "createdAt", "expiresAt"],
    properties: {
      id: { type: "string", pattern: "^[0-9a-f]{12}$" },
      kind: { enum: ["token", "certificate"] },
      name: { type: "string" },
      tenant: schema("TenantName"),
      grants: schema("Grants"),
      createdAt: { type: "string", format: "date-time" },
      expiresAt: { type: ["string", "null"], format: "date-time" },
      subject: { type: "string" },
      token: { type: "string", description: "Only when it was made: it is not kept." },
    },
  },
  Quota: {
    type: "object",
    additionalProperties: false,
    description: "There is no limit for what is not there.",
    properties: {
      bytesPerSecond: { type: "integer", minimum: 1 },
      requestsPerSecond: { type: "integer", minimum: 1 },
      storedBytes: { type: "integer", minimum: 1 },
      topics: {
        type: "integer",
        minimum: 1,
        description: "A topic counts once for each of its partitions.",
      },
    },
  },
  Tenant: {
    type: "object",
    required: ["tenant", "topics", "partitions", "storedBytes", "quota"],
    properties: {
      tenant: schema("TenantName"),
      topics: { type: "integer" },
      partitions: { type: "integer" },
      storedBytes: { type: "integer" },
      quota: schema("Quota"),
    },
  },
};

/** Paths of credentials and tenants. */
export const accessPaths: Record<string, Record<string, unknown>> = {
  "/v1/tokens": {
    get: {
      tags: ["access"],
      operationId: "listTokens",
      summary: "Who may come in, by name.",
      responses: {
        "200": json("All credentials, without what is secret.", {
          type: "object",
          required: ["tokens", "required"],
          properties: {
            tokens: { type: "array", items: schema("Credential") },
            required: { type: "boolean", description: "Whether nobody else is let in." },
          },
        }),
        ...problems(400),
      },
    },
    post: {
      tags: ["access"],
      operationId: "makeToken",
      summary: "Make a token, or let in who shows a client certificate.",
      requestBody: {
        required: true,
        content: { "application/json": { schema: schema("NewCredential") } },
      },
      responses: {
        "201": json(
          "The credential, and the token, which is shown only now.",
          schema("Credential"),
        ),
        ...problems(400, 408, 409, 413),
      },
    },
  },
  "/v1/tokens/{token}": {
    parameters: [parameter("token")],
    delete: {
      tags: ["access"],
      operationId: "revokeToken",
      summary: "Take a credential back: at once, and streams that came in with it end.",
      responses: { "200": json("What it was.", schema("Credential")), ...problems(400, 404) },
    },
  },
  "/v1/tenants": {
    get: {
      tags: ["access"],
      operationId: "listTenants",
      summary: "All tenants, measured.",
      responses: {
        "200": json("The tenants.", {
          type: "object",
          required: ["tenants"],
          properties: { tenants: { type: "array", items: schema("Tenant") } },
        }),
        ...problems(400),
      },
    },
  },
  "/v1/tenants/{tenant}": {
    parameters: [parameter("tenant")],
    get: {
      tags: ["access"],
      operationId: "describeTenant",
      summary: "One tenant, measured.",
      responses: { "200": json("The tenant.", schema("Tenant")), ...problems(400) },
    },
    delete: {
      tags: ["access"],
      operationId: "removeTenant",
      summary: "Remove a tenant with its credentials, its topics and its quota.",
      responses: { "200": json("What it was.", schema("Tenant")), ...problems(400) },
    },
  },
  "/v1/tenants/{tenant}/quota": {
    parameters: [parameter("tenant")],
    put: {
      tags: ["access"],
      operationId: "limitTenant",
      summary: "How much a tenant may have.",
      requestBody: {
        required: true,
        content: { "application/json": { schema: schema("Quota") } },
      },
      responses: {
        "200": json("The tenant, measured.", schema("Tenant")),
        ...problems(400, 408, 413),
      },
    },
  },
};
