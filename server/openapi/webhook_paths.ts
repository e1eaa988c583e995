/**
 * Webhooks in the OpenAPI document.
 *
 * @module
 */
import { json, parameter, problems, schema } from "./parts.ts";

/** Parameters of these paths. */
export const webhookParameters: Record<string, unknown> = {
  webhook: {
    name: "webhook",
    in: "path",
    required: true,
    description: "What the webhook is called.",
    schema: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
  },
};

const position = {
  description: "An offset, `start`, `end`, `-N`, or `@` and a time.",
  oneOf: [{ type: "string" }, { type: "integer", minimum: 0 }],
};
const time = { type: "string", format: "date-time" };
const timeOrNull = { type: ["string", "null"], format: "date-time" };
const none = { type: "object", additionalProperties: false };

/** What these paths take and give. */
export const webhookSchemas: Record<string, unknown> = {
  NewWebhook: {
    type: "object",
    required: ["topic", "url"],
    additionalProperties: false,
    properties: {
      topic: { type: "string", examples: ["orders"] },
      url: {
        type: "string",
        format: "uri",
        maxLength: 2000,
        examples: ["https://billing.example/hook"],
        description: "https, at a public address, unless the server was told to allow others.",
      },
      partitions: {
        type: "array",
        minItems: 1,
        items: { type: "integer", minimum: 0 },
        description: "All of the topic unless given.",
      },
      batch: {
        type: "integer",
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: "Most records of one delivery, which is full at 1 MiB as well.",
      },
      key: { type: "string", description: "Only records with this key." },
      from: { ...position, description: "Where a new one begins; at the end unless given." },
      secret: {
        type: "string",
        pattern: "^whsec_[A-Za-z0-9+/]+=*$",
        examples: ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        description: "`whsec_` and the base64 of 24 to 64 bytes; made by the server unless given.",
      },
    },
  },
  Webhook: {
    type: "object",
    required: [
      ...["name", "topic", "url", "batch", "key", "createdAt", "state", "pause", "deliveries"],
    ],
    properties: {
      name: { type: "string" },
      topic: { type: "string" },
      url: { type: "string" },
      batch: { type: "integer" },
      key: { type: ["string", "null"] },
      createdAt: time,
      state: { enum: ["active", "failing", "paused"] },
      pause: {
        type: ["object", "null"],
        required: ["since", "reason", "detail"],
        properties: {
          since: time,
          reason: { enum: ["asked", "gave-up", "gone", "lost", "topic-gone"] },
          detail: { type: "string" },
        },
      },
      deliveries: { type: "array", items: schema("WebhookDeliveries") },
      secret: { type: "string", description: "Only where the server made it, this one time." },
    },
  },
  WebhookDeliveries: {
    type: "object",
    required: ["partition", "next", "behind", "delivered", "failures"],
    properties: {
      partition: { type: "integer" },
      next: schema("Offset"),
      behind: { type: ["integer", "null"], description: "Offsets from there to the end." },
      delivered: { type: "integer", description: "Deliveries that arrived since it was begun." },
      failures: { type: "integer", description: "Tries of the next one that failed." },
      failingSince: timeOrNull,
      lastError: { type: ["string", "null"] },
      retryAt: timeOrNull,
    },
  },
};

const answer = (description: string) => json(description, schema("Webhook"));
const takes = (body: unknown) => ({ content: { "application/json": { schema: body } } });

/** Paths of webhooks. */
export const webhookPaths: Record<string, Record<string, unknown>> = {
  "/v1/webhooks": {
    get: {
      tags: ["webhooks"],
      operationId: "listWebhooks",
      summary: "All webhooks of topics that the caller administers, by name.",
      responses: {
        "200": json("The webhooks, without their secrets.", {
          type: "object",
          required: ["webhooks"],
          properties: { webhooks: { type: "array", items: schema("Webhook") } },
        }),
        ...problems(400),
      },
    },
  },
  "/v1/webhooks/{webhook}": {
    parameters: [parameter("webhook")],
    get: {
      tags: ["webhooks"],
      operationId: "getWebhook",
      summary: "One webhook, and how its deliveries go.",
      responses: { "200": answer("The webhook."), ...problems(400, 404) },
    },
    put: {
      tags: ["webhooks"],
      operationId: "putWebhook",
      summary: "Make a webhook, or change one.",
      description:
        "Records are posted as JSON arrays, in order within a partition, each at least once, " +
        "signed as Standard Webhooks has it. One that is there goes on where it is; its topic stays.",
      requestBody: { required: true, ...takes(schema("NewWebhook")) },
      responses: {
        "200": answer("It was changed."),
        "201": answer("It was made."),
        ...problems(400, 404, 409, 410, 413, 416, 507),
      },
    },
    delete: {
      tags: ["webhooks"],
      operationId: "deleteWebhook",
      summary: "Remove a webhook.",
      responses: { "204": { description: "It is removed." }, ...problems(400, 404) },
    },
  },
  "/v1/webhooks/{webhook}/pause": {
    parameters: [parameter("webhook")],
    post: {
      tags: ["webhooks"],
      operationId: "pauseWebhook",
      summary: "Deliver nothing until it is resumed.",
      requestBody: takes(none),
      responses: { "200": answer("It is paused."), ...problems(400, 404) },
    },
  },
  "/v1/webhooks/{webhook}/resume": {
    parameters: [parameter("webhook")],
    post: {
      tags: ["webhooks"],
      operationId: "resumeWebhook",
      summary: "Deliver again, from where it stopped or from elsewhere.",
      requestBody: takes({
        type: "object",
        additionalProperties: false,
        properties: {
          from: { ...position, description: "Where to go on, under new ids." },
          partition: { type: "integer", minimum: 0, description: "All of them unless given." },
        },
      }),
      responses: { "200": answer("It delivers."), ...problems(400, 404, 410, 412, 416) },
    },
  },
  "/v1/webhooks/{webhook}/test": {
    parameters: [parameter("webhook")],
    post: {
      tags: ["webhooks"],
      operationId: "testWebhook",
      summary: "Post an empty array, signed, to see whether it arrives.",
      requestBody: takes(none),
      responses: {
        "200": json("What came of it.", {
          type: "object",
          required: ["delivered", "ms"],
          properties: {
            delivered: { type: "boolean" },
            status: { type: "integer" },
            error: { type: "string" },
            ms: { type: "integer" },
          },
        }),
        ...problems(400, 404),
      },
    },
  },
};
