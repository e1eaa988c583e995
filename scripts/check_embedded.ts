/**
 * Checks what `deno compile` puts into the executable, without the base that it would download:
 * Deno itself stands in for the base, so the result cannot run, but Deno says what it embeds.
 *
 * @module
 */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";
import process from "node:process";
import { compileWithDeno } from "./compile.ts";

/**
 * About 6 with gRPC, schemas, certificates, the client of NATS and all: what is much larger has packages
 * in it that nobody asked for.
 */
const MEBIBYTES_MAX = 8;

const home = fs.mkdtempSync(join(os.tmpdir(), "seglog-compile-"));
try {
  const env = { ...process.env, DENORT_BIN: process.execPath, NO_COLOR: "1" };
  const outcome = await compileWithDeno(join(home, "seglog"), env);
  assert.equal(outcome.status, 0, outcome.stderr);
  const said = outcome.stderr + outcome.stdout;
  const [, tree] = said.split("Embedded Files\n");
  assert.ok(tree !== undefined, said);
  const [files, sizes] = tree.trim().split("\n\n");
  const names = files!.split("\n").slice(1).map((line) => line.replace(/^[├└─│ ]+/, ""));
  console.log(names.join("\n"));
  assert.equal(names.length, 1, "more is embedded than the bundle");
  assert.match(names[0]!, /^seglog\.mjs \(.*\)$/);
  const mebibytes = Number(/Files: ([\d.]+)MB/.exec(sizes!)?.[1]);
  assert.ok(mebibytes < MEBIBYTES_MAX, `${mebibytes} MB are embedded`);
} finally {
  fs.rmSync(home, { recursive: true, force: true });
}
