/**
 * What a server's answers mean.
 *
 * @module
 */
import { decodeUtf8 } from "../core/base/bytes.ts";
import {
  type ErrorCode,
  type ErrorDetails,
  isErrorCode,
  SeglogError,
} from "../core/base/errors.ts";
import { type Answer, NoAnswer } from "./transport.ts";

const PROBLEM_MEMBERS = new Set(["type", "title", "status", "detail", "code", "retryable"]);

/** Codes for answers that are not from seglog, but from something before it. */
const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "invalid-argument",
  404: "not-found",
  405: "method-not-allowed",
  408: "request-timeout",
  413: "too-large",
  415: "unsupported-media-type",
  429: "overloaded",
  503: "unavailable",
};

/**
 * The answer, when it is a good one.
 *
 * @throws {SeglogError} the error that the server told, with its code and details
 * @throws {NoAnswer} when something between says that the server did not answer
 */
export function goodAnswer(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const problem = problemOf(answer);
  if (problem !== undefined) throw problem;
  if (answer.status === 502 || answer.status === 504) {
    throw new NoAnswer(`a gateway answered ${answer.status}`, {
      cause: undefined,
      mayHaveArrived: true,
    });
  }
  throw new SeglogError(
    CODES[answer.status] ?? "unavailable",
    `The server answered ${answer.status}: ${decodeUtf8(answer.body).slice(0, 200)}`,
    { details: { status: answer.status } },
  );
}

/** The JSON of an answer. @throws {SeglogError} `unsupported` when it is not */
export function jsonOf<Shape>(answer: Answer): Shape {
  const value = parsed(answer);
  if (typeof value === "object" && value !== null) return value as Shape;
  throw new SeglogError(
    "unsupported",
    "Cannot use the answer of the server: it is not JSON; is this a seglog server?",
  );
}

/** A header that is an offset. @throws {SeglogError} `unsupported` when it is missing */
export function offsetHeader(answer: Answer, name: string): number {
  const text = answer.headers.get(name);
  const offset = text === null || text === "" ? NaN : Number(text);
  if (Number.isSafeInteger(offset)) return offset;
  throw new SeglogError(
    "unsupported",
    `Cannot use the answer of the server: its header ${name} is missing; is this a seglog server?`,
  );
}

function problemOf(answer: Answer): SeglogError | undefined {
  const problem = parsed(answer);
  if (typeof problem !== "object" || problem === null) return undefined;
  const { code, detail } = problem as { code?: unknown; detail?: unknown };
  if (!isErrorCode(code)) return undefined;
  const details: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(problem)) {
    if (PROBLEM_MEMBERS.has(name) || typeof value === "object" && value !== null) continue;
    details[name] = value as ErrorDetails[string];
  }
  return new SeglogError(code, typeof detail === "string" ? detail : code, { details });
}

function parsed(answer: Answer): unknown {
  try {
    return JSON.parse(decodeUtf8(answer.body));
  } catch {
    return undefined;
  }
}
