/**
 * The description of all routes.
 *
 * @module
 */
import { jsonAnswer } from "../answers.ts";
import type { Route } from "../exchange.ts";
import { openApiDocument } from "../openapi/document.ts";

/** The route of the OpenAPI document. */
export const OPENAPI_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/openapi.json",
    handle: ({ services }) => jsonAnswer(openApiDocument(services.version)),
  },
];
