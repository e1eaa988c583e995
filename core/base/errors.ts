/**
 * The one table of errors: every condition that seglog reports has a code here, and the code says
 * which HTTP status, gRPC status and exit code stand for it and whether trying again can help.
 *
 * @module
 */

/** How one error code is told over HTTP, over gRPC and by the command line. */
export interface ErrorSpec {
  /** HTTP status. */
  readonly http: number;
  /** gRPC status name, as in `google.rpc.Code`. */
  readonly grpc: string;
  /** Exit code of the command line. */
  readonly exit: number;
  /** Whether the same call may succeed later without anything being changed by the caller. */
  readonly retryable: boolean;
}

/** A stable name for a condition: what programs test, where people read the message. */
export type ErrorCode =
  | "invalid-argument"
  | "invalid-record"
  | "not-found"
  | "method-not-allowed"
  | "not-acceptable"
  | "request-timeout"
  | "exists"
  | "condition-failed"
  | "conflict"
  | "too-large"
  | "unsupported-media-type"
  | "offset-out-of-range"
  | "compacted"
  | "locked"
  | "read-only"
  | "corrupt"
  | "lost"
  | "internal"
  | "io"
  | "outcome-unknown"
  | "unsupported"
  | "closed"
  | "overloaded"
  | "poisoned"
  | "unavailable"
  | "disk-full"
  | "wrong-role"
  | "unauthenticated"
  | "forbidden"
  | "incompatible"
  | "quota-exceeded"
  | "quota-full";

const EXIT_ERROR = 1;
const EXIT_USAGE = 2;
const EXIT_MISSING = 3;
const EXIT_CONDITION = 4;
const EXIT_CORRUPT = 5;
const EXIT_LOCKED = 6;

/** Every error code with its {@linkcode ErrorSpec}. */
export const ERROR_SPECS: Readonly<Record<ErrorCode, ErrorSpec>> = {
  "invalid-argument": spec(400, "INVALID_ARGUMENT", EXIT_USAGE),
  "invalid-record": spec(422, "INVALID_ARGUMENT", EXIT_ERROR),
  "not-found": spec(404, "NOT_FOUND", EXIT_MISSING),
  "method-not-allowed": spec(405, "UNIMPLEMENTED", EXIT_ERROR),
  "not-acceptable": spec(406, "INVALID_ARGUMENT", EXIT_ERROR),
  "request-timeout": spec(408, "DEADLINE_EXCEEDED", EXIT_ERROR, true),
  "exists": spec(409, "ALREADY_EXISTS", EXIT_ERROR),
  "condition-failed": spec(412, "FAILED_PRECONDITION", EXIT_CONDITION),
  "conflict": spec(409, "ABORTED", EXIT_CONDITION, true),
  "too-large": spec(413, "INVALID_ARGUMENT", EXIT_ERROR),
  "unsupported-media-type": spec(415, "INVALID_ARGUMENT", EXIT_ERROR),
  "offset-out-of-range": spec(416, "OUT_OF_RANGE", EXIT_MISSING),
  "compacted": spec(410, "OUT_OF_RANGE", EXIT_MISSING),
  "locked": spec(423, "FAILED_PRECONDITION", EXIT_LOCKED, true),
  "read-only": spec(403, "FAILED_PRECONDITION", EXIT_ERROR),
  "corrupt": spec(500, "DATA_LOSS", EXIT_CORRUPT),
  "lost": spec(410, "DATA_LOSS", EXIT_CORRUPT),
  "internal": spec(500, "INTERNAL", EXIT_ERROR),
  "io": spec(500, "INTERNAL", EXIT_ERROR),
  "outcome-unknown": spec(500, "UNKNOWN", EXIT_ERROR),
  "unsupported": spec(501, "UNIMPLEMENTED", EXIT_ERROR),
  "closed": spec(503, "UNAVAILABLE", EXIT_ERROR, true),
  "overloaded": spec(503, "RESOURCE_EXHAUSTED", EXIT_ERROR, true),
  "poisoned": spec(503, "UNAVAILABLE", EXIT_ERROR),
  "unavailable": spec(503, "UNAVAILABLE", EXIT_ERROR, true),
  "disk-full": spec(507, "RESOURCE_EXHAUSTED", EXIT_ERROR),
  "wrong-role": spec(403, "FAILED_PRECONDITION", EXIT_ERROR),
  "unauthenticated": spec(401, "UNAUTHENTICATED", EXIT_ERROR),
  "forbidden": spec(403, "PERMISSION_DENIED", EXIT_ERROR),
  "incompatible": spec(409, "FAILED_PRECONDITION", EXIT_ERROR),
  "quota-exceeded": spec(429, "RESOURCE_EXHAUSTED", EXIT_ERROR, true),
  "quota-full": spec(507, "RESOURCE_EXHAUSTED", EXIT_ERROR),
};

/** Facts that go with an error, for programs: offsets, names, limits. All JSON values. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/**
 * An error with a stable {@linkcode ErrorCode}. Its message says the action, the value and the
 * state, and what to do next.
 *
 * @example
 * ```ts
 * import { Log, SeglogError } from "seglog";
 *
 * const log = await Log.memory();
 * try {
 *   await log.read(7);
 * } catch (error) {
 *   console.assert(error instanceof SeglogError && error.code === "offset-out-of-range");
 * }
 * await log.close();
 * ```
 */
export class SeglogError extends Error {
  /** The name of the class, also across copies of the module. */
  override readonly name = "SeglogError";
  /** The stable name of the condition. */
  readonly code: ErrorCode;
  /** Facts for programs, such as the first readable offset. */
  readonly details: ErrorDetails;

  /** An error of this code, with a message for people. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether the same call may succeed later. */
  get retryable(): boolean {
    return ERROR_SPECS[this.code].retryable;
  }

  /** The HTTP status: 410 for an offset below the first readable one, else as in the table. */
  get httpStatus(): number {
    const { offset, logStartOffset } = this.details;
    const below = typeof offset === "number" && typeof logStartOffset === "number" &&
      offset < logStartOffset;
    return this.code === "offset-out-of-range" && below ? 410 : ERROR_SPECS[this.code].http;
  }

  /** The exit code of the command line. */
  get exitCode(): number {
    return ERROR_SPECS[this.code].exit;
  }
}

/** Whether `code` is one of ours: for codes that come over a wire. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_SPECS, code);
}

/** Whether an error says that there is no such topic, partition, key or record. */
export function isNotFound(error: unknown): boolean {
  return error instanceof SeglogError && error.code === "not-found";
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function spec(http: number, grpc: string, exit: number, retryable = false): ErrorSpec {
  return { http, grpc, exit, retryable };
}
