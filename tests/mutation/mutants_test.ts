/** The list of mutants keeps up with the code: `deno task mutants` then shows that tests see each. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { codeLines, readSourceTree, ROOT } from "../source_tree.ts";
import { MUTANTS } from "./mutants.ts";

test("every mutant changes a line that is there, once", () => {
  for (const { rule, file, find } of MUTANTS) {
    const text = fs.readFileSync(join(ROOT, file), "utf8");
    assert.equal(text.split(find).length - 1, 1, `${rule} (${file})`);
  }
});

test("every rule has a name of its own", () => {
  const rules = MUTANTS.map(({ rule }) => rule);
  assert.equal(new Set(rules).size, rules.length);
});

test("every test that a mutant is sent to is there", () => {
  for (const path of new Set(MUTANTS.flatMap(({ tests }) => tests))) {
    assert.ok(fs.existsSync(join(ROOT, path)), path);
  }
});

test("every mutant whose tests need a nats-server says so, and no other", () => {
  const needing = (path: string) =>
    /^tests\/jetstream\//.test(path) &&
    /"\.\/support\.ts"/.test(fs.readFileSync(join(ROOT, path), "utf8"));
  for (const { rule, tests, needsNats = false } of MUTANTS) {
    assert.equal(needsNats, tests.some(needing), rule);
  }
});

test("every sync and every comparison with a checksum in core has a mutant", () => {
  const guard = /\bawait .*\.(sync|syncFolder)\(|[!=]== (crc32|checksumOf)\(|crc32\(.*\) [!=]==/;
  const unguarded = readSourceTree().filter(({ path }) => path.startsWith("core/"))
    .flatMap((file) =>
      codeLines(file).filter(({ line }) => guard.test(line)).flatMap(({ number, line }) => {
        const isKnown = MUTANTS.some(({ file: path, find }) =>
          path === file.path && find.includes(line.trim().replace(/^if \(/, "").slice(0, 30))
        );
        return isKnown ? [] : [`${file.path}:${number}: ${line.trim()}`];
      })
    );
  assert.deepEqual(unguarded, []);
});
