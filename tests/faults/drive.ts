/** Runs the driver in a process of its own, in whose way something is put, and checks what it told. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Store, verify } from "../../mod.ts";
import type { Runtime } from "../support/runtimes.ts";
import type { Told } from "./driver.ts";
import { findIn, TopicOracle } from "./oracle.ts";

const DRIVER = fileURLToPath(new URL("./driver.ts", import.meta.url));

/**
 * Runs the driver on a folder.
 *
 * @param before a program, with its arguments, that runs the rest: `strace …`
 * @returns what the driver told, when it ended by itself and well
 */
export async function drive(
  runtime: Runtime,
  folder: string,
  before: readonly string[] = [],
): Promise<Told[]> {
  const [program, ...args] = [...before, ...runtime.command, DRIVER, folder];
  const child = spawn(program!, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = await ended;
  assert.deepEqual([code, signal], [0, null], `the process died: ${err}\n${out.slice(-500)}`);
  return out.trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** What the driver told agrees with itself, and with what is in the folder now. */
export async function checkTold(told: readonly Told[], folder: string): Promise<void> {
  const oracle = new TopicOracle();
  let isPoisoned = false;
  for (const { values, start, end, code, step, read } of told) {
    if (step === "truncate") oracle.removed.push({ start: 0, end: 4, isSure: code === undefined });
    if (read !== undefined && isPoisoned) {
      assert.ok(read.values.length <= read.durableOffset, "only what is durable can be read");
    }
    if (values === undefined) continue;
    if (code === "outcome-unknown" || code === "poisoned") isPoisoned = true;
    if (start === undefined || end === undefined) {
      const kind = code === "outcome-unknown" ? "unknown" : "rejected";
      oracle.appends.push({ values, outcome: { kind } });
    } else {
      assert.equal(isPoisoned, false, "nothing is acknowledged after a failure that poisons");
      oracle.appends.push({ values, outcome: { kind: "acknowledged", start, end } });
    }
  }
  await using store = await Store.open(folder);
  await store.ensureTopic("t");
  oracle.check(await findIn(store, "t"));
  const { nextOffset } = await store.bounds("t");
  const { start } = await store.append("t", [{ value: "after" }]);
  assert.equal(start, nextOffset, "it goes on without a gap");
  await store.close();
  const { ok, problems } = verify(folder);
  assert.ok(ok, JSON.stringify(problems));
}
