/**
 * Errors as status codes of gRPC, with the stable code as a detail.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { ERROR_SPECS, SeglogError } from "../../core/base/errors.ts";
import { toldError } from "../problem.ts";
import { ProblemSchema } from "./generated/seglog/v1/problem_pb.js";

/** The status for anything that was thrown; one that is a status already stays as it is. */
export function statusOf(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  const told = toldError(error);
  const detail = { desc: ProblemSchema, value: problemOf(told) };
  return new ConnectError(told.message, codeOf(told), undefined, [detail], error);
}

/** The same as a message: for what failed within a call that goes on. */
export function problemOf(error: unknown): MessageInitShape<typeof ProblemSchema> {
  const { code, message, retryable, details } = toldError(error);
  const facts = Object.entries(details).map(([name, fact]) => [name, String(fact)]);
  return { code, message, retryable, details: Object.fromEntries(facts) };
}

/** The status of a call whose client does not wait for it any more, or has no time left. */
export function endedBy(signal: AbortSignal): ConnectError {
  const { reason } = signal;
  return reason instanceof ConnectError ? reason : new ConnectError("canceled", Code.Canceled);
}

/** The status of a stream that ends with the server. */
export function stoppingStatus(): ConnectError {
  return statusOf(
    new SeglogError("closed", "Cannot go on: the server is stopping; connect again"),
  );
}

/** `grpc-message` as people can read it on the wire: all but printable ASCII is percent-encoded. */
export function readableMessage(encoded: string): string {
  return encoded.replace(
    /%([2-7][0-9A-F])/g,
    (escape, hex) =>
      hex === "25" || hex === "7F" ? escape : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** `OUT_OF_RANGE` is `OutOfRange` there. */
function codeOf({ code }: SeglogError): Code {
  const words = ERROR_SPECS[code].grpc.toLowerCase().split("_");
  const name = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join("");
  return Code[name as keyof typeof Code];
}
