/**
 * `kv txn`: lines become one transaction.
 *
 * @module
 */
import { decodeText } from "../../core/base/bytes.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { commitDirectly, type KeyCheck } from "../../core/kv/direct_commit.ts";
import { keyBytes } from "../../core/kv/kv_key.ts";
import { deletionOf, type KvWrite, settingOf } from "../../core/kv/kv_write.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { openToWrite } from "../connect.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { KvTxnOptions } from "../grammar/kv.ts";
import type { Context } from "../grammar/verb.ts";
import { wordsOf } from "./words.ts";

/** What one line says. */
type Step =
  | { readonly kind: "check"; readonly check: KeyCheck }
  | { readonly kind: "write"; readonly write: KvWrite };

const ABSENT = "absent";

/** Reads all lines, then writes all or none of what they say. */
export async function runTransaction(context: Context, options: KvTxnOptions): Promise<number> {
  const { bucket, input } = options;
  const steps = stepsOf(await wholeInput(openInput(context, input).stream));
  const checks = steps.flatMap((step) => step.kind === "check" ? [step.check] : []);
  const written = steps.flatMap((step) => step.kind === "write" ? [step.write] : []);
  const writes = [...new Map(written.map((write) => [decodeText(write.key), write])).values()];
  if (writes.length === 0) throw new UsageError("there is no line that writes: set or del");
  await using backend = await openToWrite(context);
  await context.output.line(String(await commitDirectly(backend, bucket, { checks, writes })));
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
    steps.push(inLine(i + 1, () => stepOf(wordsOf(line, 3))));
  }
  if (steps.length === 0) throw new UsageError("there is no line that says what to do");
  return steps;
}

/** Says in which line something was wrong. */
function inLine(number: number, read: () => Step): Step {
  try {
    return read();
  } catch (cause) {
    const message = `line ${number}: ${messageOf(cause)}`;
    if (!(cause instanceof SeglogError)) throw new UsageError(message, { cause });
    throw new SeglogError(cause.code, message, { cause, details: cause.details });
  }
}

/** @throws {UsageError} for words that say nothing; {SeglogError} for what is no key */
function stepOf([verb, key, rest]: readonly string[]): Step {
  if (key !== undefined) {
    const expected = rest === ABSENT ? -1 : /^\d+$/.test(rest ?? "") ? Number(rest) : undefined;
    if (verb === "set" && rest !== undefined) return { kind: "write", write: settingOf(key, rest) };
    if (verb === "del" && rest === undefined) return { kind: "write", write: deletionOf(key) };
    if (verb === "check" && expected !== undefined) {
      return { kind: "check", check: { key: keyBytes(key), expected } };
    }
  }
  throw new UsageError(
    `it is none of: check KEY REVISION, check KEY ${ABSENT}, set KEY VALUE, del KEY`,
  );
}
