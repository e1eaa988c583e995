/**
 * Takes away one sync, check or rule at a time, in a copy of the tree, and expects a test to fail:
 * `mutants [WORD…]`, where words choose the rules, and the paths, that have one of them. A mutant
 * that all tests survive is a promise that nothing shows. Without `--tests-passed` all tests are run
 * without a mutant first. `--a-fifth` takes every fifth, from one that the commit chooses: over a few
 * commits that is all of them. Where there is no nats-server, those that need one are named as skipped.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Mutant } from "../tests/mutation/mutant.ts";
import { MUTANTS } from "../tests/mutation/mutants.ts";
import { run, STATUS_NOT_FOUND } from "./command.ts";
import { findNats } from "./find_nats.ts";
import { DENO, findBun } from "./runtimes.ts";

/** A mutant may turn for ever; then the test that does not end has noticed. */
const TIME_LIMIT_MS = 120_000;
/** For all tests without a mutant. */
const ALL_TESTS_MS = 600_000;
const WORKERS = Math.max(1, os.availableParallelism());

/** Said by who has just run all tests: it takes as long as many mutants. */
const PASSED = "--tests-passed";

/** Said where all of them would take too long. */
const FIFTH = "--a-fifth";
const SHARE = 5;

const words = process.argv.slice(2).filter((word) => word !== PASSED && word !== FIFTH);
const named = MUTANTS.filter(({ rule, file }) =>
  words.length === 0 || words.some((word) => rule.includes(word) || file.includes(word))
);
const nats = await findNats();
const chosen = (process.argv.includes(FIFTH) ? fifthOf(named) : named).filter(canBeNoticed);

function fifthOf(mutants: readonly Mutant[]): Mutant[] {
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { encoding: "utf8" });
  const first = parseInt(commit.slice(0, 8), 16) % SHARE;
  const fifth = mutants.filter((_, i) => i % SHARE === first);
  console.log(`${fifth.length} of ${mutants.length} mutants, from the one at ${first} on`);
  return fifth;
}

/** Whether its tests run here; where they are skipped, that they pass says nothing. */
function canBeNoticed({ rule, needsNats }: Mutant): boolean {
  if (!needsNats || typeof nats !== "string") return true;
  console.log(`skip  ${rule}: ${nats}`);
  return false;
}

class Copy implements Disposable {
  readonly #folder = fs.mkdtempSync(join(os.tmpdir(), "seglog-mutant-"));

  constructor() {
    const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
      encoding: "utf8",
    });
    for (const file of files.trim().split("\n")) {
      if (!fs.existsSync(file)) continue;
      fs.mkdirSync(dirname(join(this.#folder, file)), { recursive: true });
      fs.copyFileSync(file, join(this.#folder, file));
    }
    fs.symlinkSync(fs.realpathSync("node_modules"), join(this.#folder, "node_modules"));
  }

  /** Whether a test fails when the mutant is in the place of the code. */
  async kills({ file, find, replace, tests, isForBun }: Mutant): Promise<boolean> {
    const path = join(this.#folder, file);
    const text = fs.readFileSync(path, "utf8");
    fs.writeFileSync(path, text.replace(find, () => replace));
    try {
      return !await this.passes(tests, { isForBun: isForBun ?? false, timeLimitMs: TIME_LIMIT_MS });
    } finally {
      fs.writeFileSync(path, text);
    }
  }

  async passes(
    tests: readonly string[],
    { isForBun, timeLimitMs }: { readonly isForBun: boolean; readonly timeLimitMs: number },
  ): Promise<boolean> {
    const command = isForBun
      ? [...await findBun(), "test", "--bail", "--timeout", "60000", ...tests]
      : [...DENO, "test", "-A", "--no-check", "--fail-fast", "--quiet", ...tests];
    const { status } = await run(command, { cwd: this.#folder, timeLimitMs });
    // No test has failed there: that would pass for a mutant that was noticed.
    if (status === STATUS_NOT_FOUND) {
      throw new Error(`cannot start ${command[0]} for ${tests.join(" ")}`);
    }
    return status === 0;
  }

  /** A mutant that is no program would be killed by anything: each is loaded, beside the original. */
  async checkLoad(mutants: readonly Mutant[]): Promise<void> {
    const names = mutants.map(({ file, find, replace }, i) => {
      const name = `./${file.replace(/\.ts$/, `.mutant${i}.ts`)}`;
      const text = fs.readFileSync(join(this.#folder, file), "utf8");
      fs.writeFileSync(join(this.#folder, name), text.replace(find, () => replace));
      return name;
    });
    const loader = join(this.#folder, "load_mutants.ts");
    fs.writeFileSync(loader, `for (const name of ${JSON.stringify(names)}) await import(name);`);
    const { status, stderr } = await run([...DENO, "run", "-A", "--no-check", loader], {
      cwd: this.#folder,
      timeLimitMs: ALL_TESTS_MS,
    });
    if (status !== 0) throw new Error(`a mutant does not load: ${stderr}`);
    for (const name of [...names, "load_mutants.ts"]) fs.rmSync(join(this.#folder, name));
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}

const survivors: string[] = [];
const queue = [...chosen];
await checkTestsPass();

/** What fails without any mutant, or does not load with it, would kill it whatever it is. */
async function checkTestsPass(): Promise<void> {
  using copy = new Copy();
  await copy.checkLoad(chosen);
  if (process.argv.includes(PASSED)) return;
  for (const isForBun of [false, true]) {
    const mutants = chosen.filter((mutant) => (mutant.isForBun ?? false) === isForBun);
    const tests = [...new Set(mutants.flatMap(({ tests }) => tests))];
    await Promise.all(Array.from({ length: WORKERS }, async (_, worker) => {
      const some = tests.filter((_, i) => i % WORKERS === worker);
      const options = { isForBun, timeLimitMs: ALL_TESTS_MS };
      if (some.length === 0 || await copy.passes(some, options)) return;
      throw new Error(`the tests fail without a mutant: ${some.join(" ")}`);
    }));
  }
}

async function work(): Promise<void> {
  using copy = new Copy();
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const startedMs = Date.now();
    const isKilled = await copy.kills(mutant);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1).padStart(5);
    const { rule, file } = mutant;
    console.log(`${isKilled ? "killed  " : "SURVIVED"} ${seconds} s  ${rule} (${file})`);
    if (!isKilled) survivors.push(mutant.rule);
  }
}

await Promise.all(Array.from({ length: WORKERS }, work));
console.log(`\n${chosen.length - survivors.length} passed, ${survivors.length} failed`);
process.exitCode = survivors.length === 0 && chosen.length > 0 ? 0 : 1;
