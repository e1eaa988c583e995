/**
 * The OpenAPI 3.1 document of the server.
 *
 * @module
 */
import type { Route } from "../exchange.ts";
import { accessParameters, accessPaths, accessSchemas } from "./access_paths.ts";
import { adminPaths } from "./admin_paths.ts";
import { blobPaths } from "./blob_paths.ts";
import { groupParameters, groupPaths, groupSchemas } from "./group_paths.ts";
import { kvParameters, kvSchemas } from "./kv_parts.ts";
import { kvPaths } from "./kv_paths.ts";
import { parameters, responses } from "./parts.ts";
import { queryParameters, queryPaths, querySchemas } from "./query_paths.ts";
import { recordPaths } from "./record_paths.ts";
import { rpcPaths } from "./rpc_paths.ts";
import { schemaParameters, schemaPaths, schemaSchemas } from "./schema_paths.ts";
import { schemas } from "./schemas.ts";
import { secured, securitySchemes } from "./secured.ts";
import { serverPaths } from "./server_paths.ts";
import { topicPaths } from "./topic_paths.ts";
import { webhookParameters, webhookPaths, webhookSchemas } from "./webhook_paths.ts";

/** Any JSON object. */
export type JsonObject = { readonly [name: string]: unknown };

/** The document: every path with its methods, bodies, answers and errors. */
export function openApiDocument(version: string, routes: readonly Route[]): {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, JsonObject>>;
  readonly [name: string]: unknown;
} {
  return {
    openapi: "3.1.0",
    info: {
      title: "seglog",
      version,
      summary: "A segmented, append-only commit log.",
      description:
        "Topics hold records in one or more partitions; a record's offset is its place in its " +
        "partition and never changes. Errors are problem details (RFC 9457) with a stable `code`.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "http://127.0.0.1:8080", description: "The default address." }],
    tags: [
      { name: "topics", description: "What can be appended to." },
      { name: "records", description: "Appending, reading and following." },
      { name: "partitions", description: "Where a partition starts and ends." },
      { name: "webhooks", description: "Records that the server posts to others." },
      { name: "keys and values", description: "Views of topics: buckets." },
      { name: "queries", description: "Topics as tables, by SQL." },
      { name: "blobs", description: "Bytes by key, in the bucket of this name." },
      { name: "small API", description: "One value in, one value out." },
      { name: "groups", description: "Members that share partitions, and how far they came." },
      { name: "schemas", description: "What the records of a topic have to be." },
      { name: "access", description: "Credentials and tenants, for who runs the server." },
      { name: "calls", description: "The services of gRPC, as Connect and gRPC-Web." },
      { name: "server", description: "Health, metrics, and this document." },
    ],
    paths: secured({
      ...topicPaths,
      ...recordPaths,
      ...webhookPaths,
      ...kvPaths,
      ...queryPaths,
      ...blobPaths,
      ...schemaPaths,
      ...groupPaths,
      ...accessPaths,
      ...adminPaths,
      ...serverPaths,
      ...rpcPaths,
    }, routes),
    components: {
      securitySchemes,
      parameters: {
        ...parameters,
        ...kvParameters,
        ...schemaParameters,
        ...webhookParameters,
        ...groupParameters,
        ...accessParameters,
        ...queryParameters,
      },
      responses,
      schemas: {
        ...schemas,
        ...kvSchemas,
        ...schemaSchemas,
        ...groupSchemas,
        ...webhookSchemas,
        ...querySchemas,
        ...accessSchemas,
      },
    },
  };
}
