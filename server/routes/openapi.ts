/**
 * The description of all routes.
 *
 * @module
 */
import { OPEN } from "../access/access.ts";
import { jsonAnswer } from "../answers.ts";
import type { Route } from "../exchange.ts";

/** The route of the OpenAPI document. */
export const OPENAPI_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/openapi.json",
    access: OPEN,
    async handle({ services }) {
      const { openApiDocument } = await import("../openapi/document.ts"); // few ask for it
      return jsonAnswer(openApiDocument(services.version, services.routes));
    },
  },
];
