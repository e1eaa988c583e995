/**
 * What servers and their client library complain of, in our words.
 *
 * @module
 */
import { errors } from "@nats-io/transport-node";
import { distrustIn } from "../core/base/distrust.ts";
import { type ErrorCode, messageOf, SeglogError } from "../core/base/errors.ts";

/** An error that JetStream answers a request with. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Its number in the list of JetStream's errors. */
  readonly number: number;

  constructor(error: { readonly err_code?: number; readonly description?: string }) {
    super(error.description ?? "no description");
    this.number = error.err_code ?? 0;
  }
}

/** The connection was lost before an answer came. */
export class LostConnection extends Error {
  override readonly name = "LostConnection";

  constructor() {
    super("the connection was lost");
  }
}

/** A server took the connection, and ended it before it said that all is well. */
export class HungUp extends Error {
  override readonly name = "HungUp";
  /** Whether it asks who connects for a certificate. */
  readonly wantsProof: boolean;

  constructor(wantsProof: boolean, cause: unknown) {
    super("a server hung up", { cause });
    this.wantsProof = wantsProof;
  }
}

/** Numbers that mean something to the code that gets them. */
export const NUMBERS = {
  messageNotFound: 10037,
  streamNotFound: 10059,
  consumerNotFound: 10014,
  streamExists: 10058,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
} as const;

/** No leader at the moment, a member that is starting, too much to do: to be tried again. */
const PASSING: readonly number[] = [
  10003, // bad gateway of a cluster
  10004, // cluster incomplete
  10008, // temporarily unavailable
  10009, // not the leader
  10158, // the same message is on its way already
  10167, // too many requests
];

/** No suitable peers for so many replicas: there are too few, or some are away at the moment. */
const NO_PLACE = 10005;

const CODES: Readonly<Record<number, ErrorCode>> = {
  10002: "disk-full", // account has not the resources
  [NO_PLACE]: "unavailable",
  10023: "disk-full", // insufficient resources
  10027: "too-large", // streams of the account
  10028: "disk-full", // memory
  10035: "forbidden", // no account
  10039: "unsupported", // JetStream is not for this account
  10047: "disk-full", // storage
  10054: "too-large", // the message
  10058: "exists",
  10065: "exists", // subjects of another stream
  10074: "unsupported", // replicas without a cluster
  10076: "unsupported", // no JetStream
};

const STORE_FAILED = 10077;

/** Whether an error has one of these numbers. */
export function hasNumber(error: unknown, ...numbers: readonly number[]): boolean {
  return error instanceof ApiError && numbers.includes(error.number);
}

/** Whether it is certain that a request did nothing, and it may do something when tried again. */
export function didNothing(error: unknown): boolean {
  return (error instanceof ApiError && isPassing(error)) || isUnheard(error);
}

function isPassing({ number, message }: ApiError): boolean {
  if (number === NO_PLACE) return /peer offline/.test(message);
  return PASSING.includes(number);
}

/** Whether a server did not pass a request on, as whoever asks may not publish there. */
export function isDenied(
  error: unknown,
): error is InstanceType<typeof errors.PermissionViolationError> {
  return error instanceof errors.PermissionViolationError && error.operation === "publish";
}

/** Whether nobody was there to hear a request. */
export function isUnheard(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}

/** Whether nobody has answered who can, and somebody may when asked again. */
export function isUnanswered(error: unknown): boolean {
  return didNothing(error) || isUnknown(error);
}

/** Whether a message that was turned away for this will be so whenever it is tried again. */
export function isFinal(error: unknown): boolean {
  if (isUnanswered(error)) return false;
  return !hasNumber(error, NUMBERS.wrongLastSequence, NUMBERS.wrongLastSequenceUnknown);
}

/** Whether a request may have done something, or not, and nobody knows. */
export function isUnknown(error: unknown): boolean {
  return error instanceof errors.TimeoutError || error instanceof LostConnection ||
    (error instanceof errors.RequestError && !error.isNoResponders());
}

/** Which sequence was the last for who turned a message away for another one; 0 where that is not told. */
export function lastSequenceIn(error: ApiError): number {
  const [, sequence = 0] = /^wrong last sequence: (\d+)$/.exec(error.message) ?? [];
  return Number(sequence);
}

/**
 * The same as an error of ours.
 *
 * @param action what was tried, as in `append to "orders"`
 */
export function asSeglogError(error: unknown, action: string): SeglogError {
  return error instanceof SeglogError ? error : new ClusterError(error, action);
}

/** What was tried, and why it did not come to be. */
class ClusterError extends SeglogError {
  constructor(cause: unknown, action: string) {
    const [code, why] = explain(cause);
    super(code, `Cannot ${action}: ${why}`, { cause });
  }
}

/** Nobody has answered in time who can. */
export class Unanswered extends ClusterError {}

function explain(error: unknown): [ErrorCode, string] {
  const text = messageOf(error);
  if (error instanceof ApiError) return [codeOf(error), `JetStream says: ${text}${remedy(error)}`];
  if (error instanceof HungUp && error.wantsProof) {
    return [
      "unauthenticated",
      "the servers want a certificate, and none that was shown counts; give one that their " +
      "authority has signed (cert and key, --cert-file and --key-file)",
    ];
  }
  const distrust = distrustIn(error);
  if (distrust !== undefined) {
    return [
      "unauthenticated",
      `the certificate there does not count: ${distrust}; give its authority (ca, --ca-file) and ` +
      "a tls:// address that it is for",
    ];
  }
  if (error instanceof errors.AuthorizationError) {
    return ["unauthenticated", `the servers want other credentials (${text})`];
  }
  if (error instanceof errors.UserAuthenticationExpiredError) {
    return ["unauthenticated", `the credentials have expired (${text})`];
  }
  if (error instanceof errors.PermissionViolationError) {
    const { operation, subject } = error;
    return [
      "forbidden",
      `the account may not ${operation} on ${subject}; ask who runs the servers`,
    ];
  }
  if (error instanceof errors.ClosedConnectionError) {
    return ["unavailable", "the connection has ended; connect again"];
  }
  if (didNothing(error)) return ["unavailable", "no server answers for it; try again"];
  if (isUnknown(error)) return ["unavailable", `no answer came in time (${text}); try again`];
  return ["unavailable", text];
}

function codeOf(error: ApiError): ErrorCode {
  if (isPassing(error)) return "unavailable";
  const { number, message } = error;
  if (number === STORE_FAILED) {
    return /maximum|resource|space|exceeded/i.test(message) ? "disk-full" : "io";
  }
  return CODES[number] ?? "io";
}

function remedy({ number }: ApiError): string {
  if (number === 10074) return "; without a cluster, connect with replicas=1";
  if (number === NO_PLACE) return "; start more servers, or connect with fewer replicas";
  if (number === 10027) return "; delete topics, or raise max_streams of the account";
  if (number === 10039 || number === 10076) return "; start the servers with JetStream";
  return "";
}
