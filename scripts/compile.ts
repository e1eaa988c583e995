/**
 * Makes `dist/seglog`, one executable with all that it needs inside: with `deno compile` or with
 * `bun build --compile`.
 *
 * `deno task compile`, `deno task compile:bun`
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Outcome, run } from "./command.ts";
import { DENO, findBun } from "./runtimes.ts";

/** Exit code when Deno's runtime base could not be had: nothing is wrong with the program. */
export const EXIT_NO_BASE = 69;

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
const TARGET = join(DIST, "seglog");
/** Made beside the target first: one that is there stays until there is another. */
const UNFINISHED = join(DIST, "seglog.unfinished");

/** Parsed beforehand, the program starts in a third of the time. */
const BUN_FLAGS = ["--compile", "--minify", "--bytecode"];

/**
 * Compiles with Deno. The program is bundled first, and the bundle compiled without the project
 * around it: else Deno would embed `node_modules`, the packages of tests and benchmarks included.
 *
 * @param target the executable; the bundle is left beside it
 */
export async function compileWithDeno(target: string, env = process.env): Promise<Outcome> {
  const bundle = `${target}.mjs`;
  const bundled = await run(
    [...DENO, "bundle", "--quiet", "--platform", "deno", "--output", bundle, "cli/main.ts"],
    { cwd: ROOT, env },
  );
  if (bundled.status !== 0) return bundled;
  // Comments of packages name modules that are not there any more: types were checked before.
  const flags = ["-A", "--no-config", "--no-check"];
  return await run([...DENO, "compile", ...flags, "--output", target, bundle], { cwd: ROOT, env });
}

async function compileWithBun(target: string): Promise<Outcome> {
  const command = [...await findBun(), "build", ...BUN_FLAGS, "--outfile", target, "cli/main.ts"];
  return await run(command, { cwd: ROOT });
}

if (import.meta.main) process.exitCode = await compile(process.argv[2]);

async function compile(by: string | undefined): Promise<number> {
  fs.mkdirSync(DIST, { recursive: true });
  const outcome = by === "bun"
    ? await compileWithBun(UNFINISHED)
    : await compileWithDeno(UNFINISHED);
  process.stderr.write(outcome.stderr);
  process.stdout.write(outcome.stdout);
  if (outcome.status === 0) {
    fs.renameSync(UNFINISHED, TARGET);
    removeUnfinished();
    console.log(`dist/seglog: ${(fs.statSync(TARGET).size / 2 ** 20).toFixed(1)} MiB`);
    return 0;
  }
  removeUnfinished();
  if (!isBaseMissing(outcome.stderr)) {
    console.error(`\nCannot make dist/seglog: the compiler ended with ${outcome.status}`);
    return 1;
  }
  console.error(
    "\nCannot make dist/seglog: the runtime base of Deno's executables (denort) could not be " +
      "downloaded. That happens once, on first use: try again where Deno's own site can be " +
      "reached, name a denort of the same version in DENORT_BIN, or make the same " +
      "executable with `deno task compile:bun`, which needs no download.",
  );
  return EXIT_NO_BASE;
}

/** Whether compiling got as far as the base and failed to download just that. */
export function isBaseMissing(stderr: string): boolean {
  return /Setting up base binary/.test(stderr) &&
    /error sending request for url \(\S*denort/.test(stderr);
}

function removeUnfinished(): void {
  for (const name of fs.readdirSync(DIST)) {
    if (name.startsWith("seglog.")) fs.rmSync(join(DIST, name));
  }
}
