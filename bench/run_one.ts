/**
 * Measures one workload with one system, in this process, which has nothing else to do: what one
 * system leaves behind must not burden the next. `run_one.ts WORKLOAD SYSTEM PARAMS FOLDER`; the
 * last line that is printed is an {@linkcode Outcome}, as JSON.
 *
 * @module
 */
import process from "node:process";
import type { Outcome } from "./outcome.ts";
import { KV_STEPS } from "./workloads/kv_steps.ts";
import { STEPS } from "./workloads/steps.ts";
import { workloadNamed } from "./workloads/all.ts";

const [workload = "", system = "", params = "{}", folder = ""] = process.argv.slice(2);
const outcome = await measured();
console.log(JSON.stringify(outcome));
process.exit(0); // a system may keep threads or timers

async function measured(): Promise<Outcome> {
  try {
    const run = STEPS[workload] ?? KV_STEPS[workload] ?? workloadNamed(workload).run;
    return { figures: await run({ system, params: JSON.parse(params), folder }) };
  } catch (error) {
    return { missing: whyMissing(error) };
  }
}

function whyMissing(error: unknown): string {
  const { code, message = String(error) } = error as Partial<NodeJS.ErrnoException>;
  const isAbsent = code === "ERR_MODULE_NOT_FOUND" || /^Cannot find (module|package)/.test(message);
  return isAbsent ? "not installed" : message.split("\n")[0]!;
}
