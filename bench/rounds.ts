/**
 * Runs a workload round by round: A B C, B C A, …, so that what else happens on the machine meets
 * all systems alike, and none is always first.
 *
 * @module
 */
import { type Outcome, outcomeOf } from "./outcome.ts";
import type { CaseResults, SystemResults } from "./results.ts";
import type { Runtime } from "./runtimes.ts";
import { commandOf, RUN_ONE } from "./systems.ts";
import type { Case, Figures, Size, Workload } from "./workload.ts";

/** How much is run, and with what. */
export interface Plan {
  readonly runtime: Runtime;
  readonly size: Size;
  readonly rounds: number;
  /** Only these systems; all unless given. */
  readonly systems?: readonly string[];
  /** Is told what is being measured. */
  readonly onProgress: (line: string) => void;
}

/** All cases of one workload. */
export async function runWorkload(workload: Workload, plan: Plan): Promise<CaseResults[]> {
  const cases: CaseResults[] = [];
  for (const each of workload.cases(plan.size)) cases.push(await runCase(workload, each, plan));
  return cases;
}

async function runCase(workload: Workload, each: Case, plan: Plan): Promise<CaseResults> {
  const names = (each.systems ?? workload.systems)
    .filter((name) => plan.systems === undefined || plan.systems.includes(name));
  const samples = new Map<string, (Figures | null)[]>(names.map((name) => [name, []]));
  const missing = new Map<string, string>();
  for (let round = 0; round < plan.rounds; round++) {
    for (const system of rotated(names, round)) {
      if (missing.has(system)) continue;
      plan.onProgress(
        `${workload.name} ${each.name}: ${system}, round ${round + 1} of ${plan.rounds}`,
      );
      const outcome = await runOnce(workload, { system, params: each.params }, plan.runtime);
      samples.get(system)!.push(outcome.figures ?? null);
      if (outcome.missing === undefined) continue;
      missing.set(system, outcome.missing);
      plan.onProgress(`${system}: ${outcome.missing}. ${outcome.complaint ?? ""}`);
    }
  }
  const systems = names.map((system): SystemResults => {
    const why = missing.get(system);
    return { system, samples: samples.get(system)!, ...(why !== undefined && { missing: why }) };
  });
  return { name: each.name, params: each.params, systems };
}

async function runOnce(
  workload: Workload,
  { system, params }: { system: string; params: Case["params"] },
  runtime: Runtime,
): Promise<Outcome> {
  try {
    const command = workload.startsPrograms
      ? [...runtime.command, RUN_ONE]
      : await commandOf(system, runtime.command);
    return await outcomeOf([...command, workload.name, system, JSON.stringify(params)]);
  } catch (error) {
    return { missing: (error as Error).message };
  }
}

/** The items, beginning with another one each round. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const first = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
