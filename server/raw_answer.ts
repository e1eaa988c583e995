/**
 * Answers for what never became a request: written to the socket as they are.
 *
 * @module
 */
import { STATUS_CODES } from "node:http";
import { utf8Length } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import { problemParts } from "./problem.ts";

/** A whole HTTP/1.1 answer with problem details, after which the connection ends. */
export function rawProblem(error: SeglogError, status?: number): string {
  const problem = problemParts(error, { status, headers: { connection: "close" } });
  const lines = Object.entries(problem.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? "Error"}\r\n` +
    `${lines.join("")}content-length: ${utf8Length(problem.body)}\r\n\r\n${problem.body}`;
}

/** What to say to a client whose bytes are not a request that the server takes. */
export function clientErrorAnswer(code: string | undefined, headersBytesMax: number): string {
  if (code === "HPE_HEADER_OVERFLOW") {
    const error = new SeglogError(
      "too-large",
      `Cannot take headers of more than ${headersBytesMax} bytes: send fewer`,
      { details: { limit: headersBytesMax } },
    );
    return rawProblem(error, 431);
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return rawProblem(
      new SeglogError("request-timeout", "Cannot wait longer for the headers of a request"),
    );
  }
  return rawProblem(
    new SeglogError(
      "invalid-argument",
      "Cannot read the request: it is not HTTP, its method is not known, " +
        "or its URL has characters that must be percent-encoded",
    ),
  );
}
