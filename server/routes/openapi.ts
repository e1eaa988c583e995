/**
 * The description of all routes.
 *
 * @module
 */
import { OPEN } from "../access/access.ts";
import { jsonAnswer } from "../answers.ts";
import type { Route } from "../exchange.ts";
import { openApiDocument } from "../openapi/document.ts";

/** The route of the OpenAPI document. */
export const OPENAPI_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/openapi.json",
    access: OPEN,
    handle: ({ services }) => jsonAnswer(openApiDocument(services.version, services.routes)),
  },
];
