/**
 * Consumer groups in the OpenAPI document.
 *
 * @module
 */
import { json, parameter, problems, query, schema } from "./parts.ts";

const tags = ["groups"];
const member = {
  type: "string",
  minLength: 1,
  description: "Its id, 1 to 200 bytes of UTF-8.",
  examples: ["worker-1"],
};
const topic = { type: "string", examples: ["orders"] };
const place = {
  topic,
  partition: { type: "integer", minimum: 0 },
};
const lag = {
  type: "integer",
  minimum: 0,
  description: "Offsets from the committed one, or the first readable one, to the end.",
};
const since = {
  type: "integer",
  minimum: 0,
  description: "The generation in which the partition became the member's: it goes with commits.",
};
const milliseconds = { type: "integer", minimum: 100, maximum: 3600000 };

function object(required: readonly string[], properties: Record<string, unknown>): unknown {
  return { type: "object", required, properties };
}

function body(properties: Record<string, unknown>, required: readonly string[]): unknown {
  return {
    required: true,
    content: {
      "application/json": {
        schema: { type: "object", additionalProperties: false, required, properties },
      },
    },
  };
}

/** Parameters of these paths. */
export const groupParameters: Record<string, unknown> = {
  group: {
    name: "group",
    in: "path",
    required: true,
    description: "1 to 200 bytes of UTF-8, percent-encoded; a slash is `%2F`.",
    schema: { type: "string" },
  },
};

/** What these paths give. */
export const groupSchemas: Record<string, unknown> = {
  GroupActivity: {
    enum: ["active", "empty", "unknown"],
    description: "Whether there are members; `unknown` where that cannot be known.",
  },
  GroupSummary: object(["group", "state", "members", "topics", "lag"], {
    group: { type: "string" },
    state: schema("GroupActivity"),
    members: { type: "integer", minimum: 0 },
    topics: { type: "array", items: topic },
    lag,
  }),
  Group: object(["group", "state", "generation", "members", "partitions"], {
    group: { type: "string" },
    state: schema("GroupActivity"),
    generation: { type: "integer", minimum: 0 },
    members: {
      type: "array",
      items: object(["member", "topics", "leaseMs", "expiresAt"], {
        member,
        principal: { type: "string", description: "Whose credentials it joined with." },
        topics: { type: "array", items: topic },
        leaseMs: milliseconds,
        expiresAt: { type: "string", format: "date-time" },
      }),
    },
    partitions: {
      type: "array",
      items: object(["topic", "partition", "committed", "nextOffset", "lag", "member"], {
        ...place,
        committed: {
          type: ["integer", "null"],
          description: "The next offset that is to be read; `null` where the group never was.",
        },
        committedAt: { type: ["string", "null"], format: "date-time" },
        metadata: { type: ["string", "null"] },
        logStartOffset: schema("Offset"),
        nextOffset: schema("Offset"),
        lag,
        member: { type: ["string", "null"], description: "Who reads it." },
      }),
    },
  }),
  Membership: object(["group", "member", "generation", "leaseMs", "partitions", "awaited"], {
    group: { type: "string" },
    member,
    generation: { type: "integer", description: "Rises with every change of who reads what." },
    leaseMs: { ...milliseconds, description: "How long it counts as alive from now on." },
    partitions: {
      type: "array",
      description: "What it may read. What it reads beside that it has to give up.",
      items: object(["topic", "topicId", "partition", "offset", "since"], {
        ...place,
        topicId: { type: "string", description: "One that is made anew has another." },
        offset: { ...schema("Offset"), description: "What was committed: where to begin." },
        since,
        rewoundFrom: {
          type: "integer",
          description: "What had been committed before the partition lost its end.",
        },
      }),
    },
    awaited: {
      type: "integer",
      description: "Partitions that it gets when others have given them up.",
    },
  }),
};

/** Paths of consumer groups. */
export const groupPaths: Record<string, Record<string, unknown>> = {
  "/v1/groups": {
    get: {
      tags,
      operationId: "listGroups",
      summary: "All groups by name, as far as they are about topics that may be consumed.",
      responses: {
        "200": json(
          "The groups.",
          object(["groups"], { groups: { type: "array", items: schema("GroupSummary") } }),
        ),
        ...problems(400),
      },
    },
  },
  "/v1/groups/{group}": {
    parameters: [parameter("group")],
    get: {
      tags,
      operationId: "describeGroup",
      summary: "Members of a group, what they read, what is committed, and how much is left.",
      responses: { "200": json("The group.", schema("Group")), ...problems(400, 404) },
    },
    delete: {
      tags,
      operationId: "removeGroup",
      summary: "Forget a group.",
      parameters: [query("force", "Although it has members.", { type: "boolean", default: false })],
      responses: { "204": { description: "It is gone." }, ...problems(400, 403, 404, 412) },
    },
  },
  "/v1/groups/{group}/join": {
    parameters: [parameter("group")],
    post: {
      tags,
      operationId: "joinGroup",
      summary: "Become a member, which makes the group when it is the first.",
      requestBody: body({
        member: { ...member, description: "Its id; one is made up unless given." },
        topics: { type: "array", items: topic, minItems: 1, maxItems: 100 },
        from: {
          enum: ["start", "end"],
          default: "start",
          description: "Where the group begins in partitions in which it never was.",
        },
        leaseMs: { ...milliseconds, default: 15000 },
        handoverMs: {
          ...milliseconds,
          default: 60000,
          description: "How long it may take to give a partition up that another is to have.",
        },
      }, ["topics"]),
      responses: {
        "200": json("What it is to read.", schema("Membership")),
        ...problems(400, 403, 404, 408, 409, 413, 507),
      },
    },
  },
  "/v1/groups/{group}/heartbeat": {
    parameters: [parameter("group")],
    post: {
      tags,
      operationId: "heartbeatGroup",
      summary: "Say that a member is alive and what it works on; learn what it should.",
      description: "412 with `rejoin` is for somebody who is no member any more.",
      requestBody: body({
        member,
        generation: { type: "integer", minimum: 0, description: "The last that it was told." },
        holds: {
          type: "array",
          maxItems: 4096,
          description: "The partitions that it still works on.",
          items: object(["topic", "partition"], place),
        },
        waitMs: {
          type: "integer",
          minimum: 0,
          maximum: 60000,
          default: 0,
          description: "How long to wait for something to change: half a lease at most.",
        },
      }, ["member", "generation", "holds"]),
      responses: {
        "200": json("What it is to read.", schema("Membership")),
        ...problems(400, 403, 408, 412, 413),
      },
    },
  },
  "/v1/groups/{group}/leave": {
    parameters: [parameter("group")],
    post: {
      tags,
      operationId: "leaveGroup",
      summary: "End a membership.",
      requestBody: body({ member }, ["member"]),
      responses: {
        "204": { description: "It is none any more." },
        ...problems(400, 408, 413),
      },
    },
  },
  "/v1/groups/{group}/commit": {
    parameters: [parameter("group")],
    post: {
      tags,
      operationId: "commitOffsets",
      summary: "Commit what a member is done with: all of it, or nothing.",
      description: "412 names a partition that is not the member's any more; or with `rejoin` it " +
        "is no member. An offset below the committed one is done already.",
      requestBody: body({
        member,
        offsets: {
          type: "array",
          maxItems: 4096,
          items: object(["topic", "partition", "offset", "since"], {
            ...place,
            offset: { ...schema("Offset"), description: "The next one that is to be read." },
            since,
            metadata: { type: "string", description: "1 KiB at most." },
          }),
        },
      }, ["member", "offsets"]),
      responses: {
        "200": json(
          "What is committed now.",
          object(["group", "offsets"], {
            group: { type: "string" },
            offsets: {
              type: "array",
              items: object(["topic", "partition", "offset"], {
                ...place,
                offset: schema("Offset"),
              }),
            },
          }),
        ),
        ...problems(400, 403, 404, 408, 412, 413, 416, 507),
      },
    },
  },
  "/v1/groups/{group}/seek": {
    parameters: [parameter("group")],
    post: {
      tags,
      operationId: "seekGroup",
      summary: "Move a group in a topic; it is made when there is none.",
      requestBody: body({
        topic: place.topic,
        partition: { ...place.partition, description: "All unless given." },
        to: { anyOf: [schema("Position"), schema("Offset")] },
        force: {
          type: "boolean",
          default: false,
          description: "Although members read the topic: they go on from there.",
        },
      }, ["topic", "to"]),
      responses: {
        "200": json(
          "Where it is now.",
          object(["group", "offsets"], {
            group: { type: "string" },
            offsets: {
              type: "array",
              items: object(["topic", "partition", "before", "offset"], {
                ...place,
                before: { type: ["integer", "null"] },
                offset: schema("Offset"),
              }),
            },
          }),
        ),
        ...problems(400, 403, 404, 408, 410, 412, 413, 416, 507),
      },
    },
  },
};
