/**
 * Errors as RFC 9457 problem details.
 *
 * @module
 */
import { wholeAnswer } from "./answers.ts";
import { ERROR_SPECS, type ErrorCode, messageOf, SeglogError } from "../core/base/errors.ts";

/** The media type of every error that the server tells. */
export const PROBLEM_TYPE = "application/problem+json";

const RETRY_AFTER_SECONDS = "1";

/** What differs from what the error's code says. */
export interface ProblemOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The answer for anything that was thrown. An error that is not ours is told as `internal`,
 * without its message: that is for the log of the server.
 */
export function problemResponse(error: unknown, options: ProblemOptions = {}): Response {
  const { status, body, headers } = problemParts(error, options);
  return wholeAnswer(PROBLEM_TYPE, body, { status, headers });
}

/** The same as text, for where there is no `Response`. */
export function problemParts(
  error: unknown,
  options: ProblemOptions = {},
): { status: number; body: string; headers: Record<string, string> } {
  const told = toldError(error);
  const status = options.status ?? told.httpStatus;
  const headers: Record<string, string> = { "content-type": PROBLEM_TYPE };
  if (status === 503 && told.retryable) headers["retry-after"] = RETRY_AFTER_SECONDS;
  if (told.code === "quota-exceeded") headers["retry-after"] = secondsOf(told);
  if (told.code === "unauthenticated") headers["www-authenticate"] = 'Bearer realm="seglog"';
  return { status, body: problemJson(told, status), headers: { ...headers, ...options.headers } };
}

/** The problem details of anything that was thrown, as one line of JSON. */
export function problemJson(error: unknown, status?: number): string {
  const told = toldError(error);
  const members = {
    type: `urn:seglog:error:${told.code}`,
    title: titleOf(told.code),
    status: status ?? told.httpStatus,
    detail: told.message,
    code: told.code,
    retryable: told.retryable,
  };
  return JSON.stringify({ ...members, ...told.details, ...members });
}

/** Whether an error belongs into the server's log: it is ours to repair, not the caller's. */
export function isServerFault(error: unknown): boolean {
  if (!(error instanceof SeglogError)) return true;
  return ERROR_SPECS[error.code].http === 500 || error.code === "poisoned" ||
    error.code === "disk-full";
}

/** One line, or a stack where the error is a surprise. */
export function describeFault(error: unknown): string {
  if (error instanceof SeglogError) return `${error.code}: ${error.message}`;
  return error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error);
}

/** What is told of anything that was thrown: a surprise keeps its message to itself. */
export function toldError(error: unknown): SeglogError {
  if (error instanceof SeglogError) return error;
  return new SeglogError("internal", "The server failed to answer; its log says why");
}

/** Whole seconds, rounded up. */
function secondsOf({ details }: SeglogError): string {
  return String(Math.ceil(Number(details.retryAfterMs) / 1000) || 1);
}

function titleOf(code: ErrorCode): string {
  const words = code.replaceAll("-", " ");
  return words[0]!.toUpperCase() + words.slice(1);
}
