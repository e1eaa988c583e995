/**
 * Request bodies, bounded in bytes and in time while they are read.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import { ByteWriter } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { BodyBudget } from "./body_budget.ts";
import { readIncoming, readParts } from "./incoming_body.ts";

/** Headers that say how a body is packed, and what they say of one that is not. */
const PLAIN_ENCODINGS = [["Content-Encoding", "identity"], [
  "Transfer-Encoding",
  "chunked",
]] as const;

/** What a body may take. */
export interface BodyLimits {
  readonly bytesMax: number;
  readonly ms: number;
  readonly budget: BodyBudget;
}

/** A request, and what Node's server knows of it where it came over a socket. */
export interface Asked {
  readonly request: Request;
  readonly incoming: IncomingMessage | undefined;
}

/**
 * Reads a whole body and hands it to `use`; its bytes count against the budget until that ends.
 *
 * @throws {SeglogError} `too-large`, `request-timeout`, `overloaded`, `invalid-argument`
 */
export async function withBody<Result>(
  { request, incoming }: Asked,
  limits: BodyLimits,
  use: (body: Uint8Array) => Result | Promise<Result>,
): Promise<Result> {
  checkEncoding(request);
  const announced = announcedLength(request);
  if (announced !== undefined && announced > limits.bytesMax) throw bodyTooLarge(limits.bytesMax);
  const account = new Account(limits.budget);
  try {
    const reading = announced === undefined
      ? readCounted({ request, incoming }, limits, account)
      : readAnnounced({ request, incoming }, announced, account);
    return await use(await inTime(reading, limits.ms));
  } finally {
    account.close();
  }
}

/**
 * @throws {SeglogError} `unsupported-media-type` for a body that is compressed, also by a transfer
 * coding within its chunks
 */
export function checkEncoding({ headers }: Request): void {
  for (const [name, plain] of PLAIN_ENCODINGS) {
    const encoding = headers.get(name);
    if (encoding === null || encoding.toLowerCase() === plain) continue;
    throw new SeglogError(
      "unsupported-media-type",
      `Cannot read a body with ${name} ${encoding.slice(0, 80)}: send it as it is`,
    );
  }
}

/** The error for a body, or a line of one, past its bound. */
export function bodyTooLarge(bytesMax: number, what = "a body"): SeglogError {
  return new SeglogError(
    "too-large",
    `Cannot take ${what} of more than ${bytesMax} bytes: send less at a time`,
    { details: { limit: bytesMax } },
  );
}

/** Settles as `reading` does, or fails after `ms`. @throws {SeglogError} `request-timeout` */
export function inTime<Result>(reading: Promise<Result>, ms: number): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new SeglogError(
          "request-timeout",
          `Cannot wait longer for the body: it did not arrive within ${ms} ms; send it again`,
        ),
      );
    }, ms);
    reading.then(resolve, (error) => reject(interrupted(error))).finally(() => clearTimeout(timer));
  });
}

/** The HTTP parser delivers exactly the announced length, so it can be read in one go. */
async function readAnnounced(
  { request, incoming }: Asked,
  announced: number,
  account: Account,
): Promise<Uint8Array> {
  account.take(announced);
  if (incoming !== undefined) return await readIncoming(incoming, announced);
  const body = new Uint8Array(await request.arrayBuffer());
  if (body.length > announced) throw bodyTooLarge(announced);
  return body;
}

async function readCounted(
  { request, incoming }: Asked,
  limits: BodyLimits,
  account: Account,
): Promise<Uint8Array> {
  const writer = new ByteWriter();
  const take = (part: Uint8Array) => {
    account.take(part.length);
    if (account.taken > limits.bytesMax) throw bodyTooLarge(limits.bytesMax);
    writer.bytes(part);
  };
  if (incoming !== undefined) await readParts(incoming, take);
  else for await (const part of request.body ?? []) take(part);
  return writer.subarray(0, writer.length);
}

/** One that is no number at all comes from no HTTP parser; one too large to count is too large. */
function announcedLength(request: Request): number | undefined {
  const header = request.headers.get("content-length");
  if (header === null) return undefined;
  const length = Number(header);
  return length >= 0 ? length : undefined;
}

function interrupted(error: unknown): unknown {
  if (error instanceof SeglogError) return error;
  return new SeglogError("invalid-argument", "Cannot read the body: it ended early", {
    cause: error,
  });
}

/** What one request has taken from the budget. */
class Account {
  readonly #budget: BodyBudget;
  taken = 0;
  #closed = false;

  constructor(budget: BodyBudget) {
    this.#budget = budget;
  }

  /** @throws {SeglogError} `overloaded`, also for a body that still arrives after it was given up */
  take(bytes: number): void {
    if (this.#closed) throw new SeglogError("request-timeout", "Cannot read the body any more");
    this.#budget.take(bytes);
    this.taken += bytes;
  }

  close(): void {
    this.#closed = true;
    this.#budget.give(this.taken);
    this.taken = 0;
  }
}
