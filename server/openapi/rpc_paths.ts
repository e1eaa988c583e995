/**
 * The services of gRPC in the OpenAPI document: where they are. What their messages are, `proto/` says.
 *
 * @module
 */
const SERVICES = {
  "seglog.v1.LogService": ["Produce", "Consume", "ConsumeStream", "GetServers"],
  "seglog.v1.IngestionService": [
    ...["IngestRecord", "IngestBatch", "GetIngestionStatus", "HealthCheck"],
  ],
  "seglog.v1.KvService": ["Get", "Set", "Delete", "List", "Transact", "Watch"],
  "grpc.health.v1.Health": ["Check", "List", "Watch"],
};

const anything = { schema: { type: "object" } };

/** Paths of the calls. */
export const rpcPaths: Record<string, Record<string, unknown>> = Object.fromEntries(
  Object.entries(SERVICES).map(([service, methods]) => [`/${service}/{method}`, {
    parameters: [{
      name: "method",
      in: "path",
      required: true,
      description: "A method of the service, as in `proto/`.",
      schema: { enum: methods },
    }],
    get: call(service, "get", {
      summary: "Calls a method that changes nothing, with Connect.",
    }),
    post: call(service, "post", {
      summary: "Calls a method with Connect or gRPC-Web.",
      requestBody: {
        required: true,
        content: {
          "application/json": anything,
          "application/proto": {},
          "application/grpc-web+proto": {},
        },
      },
    }),
  }]),
);

function call(service: string, method: string, rest: Record<string, unknown>) {
  const name = service.split(".").at(-1)!;
  return {
    tags: ["calls"],
    operationId: `${method}${name}`,
    // The route is open, and each method has a gate of its own.
    security: isOpen(service) ? [] : [{ token: [] }, { certificate: [] }, {}],
    ...rest,
    responses: {
      "200": {
        description: "The answer, as the protocol has it.",
        content: {
          "application/json": anything,
          "application/proto": {},
          "application/grpc-web+proto": {},
        },
      },
      "default": { description: "An error of Connect: its `code`, `message` and `details`." },
    },
  };
}

function isOpen(service: string): boolean {
  return service.startsWith("grpc.health");
}
