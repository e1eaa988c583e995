/**
 * `kv txn`: lines become one transaction.
 *
 * @module
 */
import { decodeText } from "../../core/base/bytes.ts";
import { SeglogError } from "../../core/base/errors.ts";
import type { KvTransaction } from "../../core/kv/kv_transaction.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { KvTxnOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import { writingBucket } from "./open_bucket.ts";
import { wordsOf } from "./words.ts";

/** What one line does. */
type Step = (transaction: KvTransaction) => Promise<void> | void;

const ABSENT = "absent";
/** Others may write the same keys meanwhile: checks then say whether it still may be. */
const RETRIES = 100;

/** Reads all lines, then writes all or none of what they say. */
export async function runTransaction(context: Context, options: KvTxnOptions): Promise<number> {
  const { bucket, input } = options;
  const steps = stepsOf(await wholeInput(openInput(context, input).stream));
  const { revision } = await writingBucket(
    context,
    bucket,
    (kv) =>
      kv.transaction(async (transaction) => {
        for (const step of steps) await step(transaction);
      }, { retries: RETRIES }),
  );
  await context.output.line(String(revision));
  return EXIT_OK;
}

/** @throws {UsageError} for a line that is not understood */
function stepsOf(input: Uint8Array): Step[] {
  let text: string;
  try {
    text = decodeText(input);
  } catch {
    throw new UsageError("the lines of a transaction are UTF-8, and these are not");
  }
  const steps: Step[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const step = stepOf(wordsOf(line, 3));
    if (step === undefined) {
      throw new UsageError(
        `line ${i + 1} is none of: check KEY REVISION, check KEY ${ABSENT}, set KEY VALUE, del KEY`,
      );
    }
    steps.push(step);
  }
  if (steps.length === 0) throw new UsageError("there is no line that says what to do");
  return steps;
}

function stepOf([verb, key, rest, ...more]: readonly string[]): Step | undefined {
  if (key === undefined || more.length > 0) return undefined;
  if (verb === "set" && rest !== undefined) return (transaction) => transaction.set(key, rest);
  if (verb === "del" && rest === undefined) return (transaction) => transaction.delete(key);
  if (verb !== "check") return undefined;
  if (rest === ABSENT) return (transaction) => check(transaction, key, -1);
  return /^\d+$/.test(rest ?? "")
    ? (transaction) => check(transaction, key, Number(rest))
    : undefined;
}

/** @throws {SeglogError} `condition-failed` */
async function check(transaction: KvTransaction, key: string, expected: number): Promise<void> {
  const actual = (await transaction.get(key))?.revision ?? -1;
  if (actual === expected) return;
  const found = actual < 0 ? "it has no value" : `its revision is ${actual}`;
  throw new SeglogError(
    "condition-failed",
    `Cannot commit: ${JSON.stringify(key)} is not as checked: ${found}`,
    { details: { key, expected, actual } },
  );
}
