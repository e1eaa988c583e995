/**
 * What clients asked of a topic and what they were told, in the order of one counter: enough to say
 * afterwards whether every promise was kept, whatever failed meanwhile.
 */
import { messageOf } from "../../../core/base/errors.ts";
import { type ErrorCode, type ProducerStamp, SeglogError } from "../../../mod.ts";

/** An operation of a client, which asks one thing at a time, on one partition. */
export interface Operation {
  /** `orders-3#17`: who, and the how-manieth of it. */
  readonly name: string;
  readonly client: string;
  /** What the client is connected by: several may share it. */
  readonly backend: string;
  readonly partition: number;
  readonly startedAt: number;
  /** Infinity until it has ended. */
  endedAt: number;
}

/** How an append ended, as its caller knows. */
export type Outcome =
  | { readonly kind: "acknowledged"; readonly start: number; readonly end: number }
  /** It is promised that nothing of it ever appears. */
  | { readonly kind: "rejected"; readonly code: ErrorCode; readonly actual?: number }
  | { readonly kind: "unknown" };

export interface Append extends Operation {
  /** Given to no other append. */
  readonly values: readonly string[];
  readonly expectedOffset?: number;
  readonly producer?: ProducerStamp;
  outcome: Outcome;
  /** How many of its tries may be in the log: one at most when its producer numbers them. */
  copiesMax: number;
}

/** A record that was read, and when. */
export interface Seen {
  readonly offset: number;
  readonly value: string;
  readonly at: number;
}

export interface Read extends Operation {
  readonly kind: "point" | "range" | "follow" | "bounds";
  /** The first offset that was asked for, where one was. */
  readonly from?: number;
  readonly seen: Seen[];
  /** What it tells of the end of the log: it was here or farther, and not beyond. */
  endMin: number;
  endMax: number;
  /** What it tells of the first readable offset. */
  startMin: number;
  failure?: Failure;
}

export interface Truncation extends Operation {
  readonly before: number;
  isAcknowledged: boolean;
}

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Everything that happened to one topic. */
export class History {
  readonly appends: Append[] = [];
  readonly reads: Read[] = [];
  readonly truncations: Truncation[] = [];
  /** What is wrong by itself: errors that are none of ours, and what never ended. */
  readonly complaints: string[] = [];
  #now = 0;

  /** The next count: of whatever happens now. */
  tick(): number {
    return ++this.#now;
  }

  /**
   * An error of ours, as the history keeps it.
   *
   * @returns nothing for any other, which is a complaint
   */
  failureOf({ name }: Operation, error: unknown): Failure | undefined {
    if (error instanceof SeglogError) return { code: error.code, message: error.message };
    const told = error instanceof Error ? error.stack ?? error.message : messageOf(error);
    this.complaints.push(`${name} ended with an error that is none of ours: ${told}`);
    return undefined;
  }
}

/** How an operation is named in a complaint. */
export function told(operation: Append | Read | Truncation): string {
  const { name, backend, startedAt, endedAt } = operation;
  return `${name} (${what(operation)}, by ${backend}, ${startedAt}..${endedAt})`;
}

function what(operation: Append | Read | Truncation): string {
  const { partition } = operation;
  if ("values" in operation) {
    const { values, expectedOffset, producer, outcome } = operation;
    const condition = expectedOffset === undefined ? "" : ` at ${expectedOffset}`;
    const number = producer === undefined ? "" : ` as ${producer.epoch}/${producer.sequence}`;
    const end = outcome.kind === "acknowledged"
      ? `acknowledged ${outcome.start}..${outcome.end}`
      : outcome.kind === "rejected"
      ? `rejected: ${outcome.code}`
      : "unknown";
    return `append ${values.join(" ")} to ${partition}${condition}${number}, ${end}`;
  }
  if ("before" in operation) return `truncate ${partition} before ${operation.before}`;
  const { kind, from = "the start" } = operation;
  return kind === "bounds" ? `bounds of ${partition}` : `${kind} read of ${partition} from ${from}`;
}
