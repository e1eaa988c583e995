/** What the formatter and the linter do not see of how the code should read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeLines, filesIn, readSource, readSourceTree, type SourceFile } from "./source_tree.ts";

const LINES_MAX = 400;
const source = readSourceTree();
const everything = [...source, ...["tests", "scripts"].flatMap(filesIn).map(readSource)]
  .filter(({ path }) => path !== "tests/style_test.ts");

/** What must not be in the code, where it would be, and why. */
const RULES: { name: string; files: readonly SourceFile[]; pattern: RegExp }[] = [
  {
    name: "no TypeScript that has to be compiled: enums and namespaces",
    files: everything,
    pattern: /^\s*(export\s+)?(declare\s+)?((const\s+)?enum|namespace)\s+\w+\s*\{/,
  },
  {
    name: "no parameter properties, and #private instead of private",
    files: everything,
    pattern:
      /^\s*(private|protected|public)\s(?!constructor\()|[(,]\s*(private|protected|public)\s+\w+[?:]/,
  },
  {
    name: "relative imports end in .ts, but for generated code",
    files: source,
    pattern: /\bfrom\s+"\.[^"]*(?<!\.ts)(?<!\/generated\/[^"]*_pb\.js)"/,
  },
  {
    name: "no runtime is named where a built-in module would do: no Deno.* and no Bun.*",
    files: source,
    pattern: /(?<![\w."'`-])(Deno|Bun)\.\w/,
  },
  {
    name: "built-in modules by their full names",
    files: everything,
    pattern: /\bfrom\s+"(fs|path|os|zlib|crypto|http|stream|child_process|buffer|process)"/,
  },
];

for (const { name, files, pattern } of RULES) {
  test(name, () => {
    const found = files.flatMap((file) =>
      codeLines(file).filter(({ line }) => pattern.test(line))
        .map(({ number, line }) => `${file.path}:${number}: ${line.trim()}`)
    );
    assert.deepEqual(found, []);
  });
}

test("no file is longer than 400 lines", () => {
  const long = source.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX);
  assert.deepEqual(long, []);
});

test("nothing is left to do in a comment", () => {
  const marked = everything.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) =>
      /\b(TODO|FIXME|XXX|HACK)\b/.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
    )
  );
  assert.deepEqual(marked, []);
});

test("every source file begins with what it is for", () => {
  const silent = source.filter(({ path, text }) =>
    path !== "mod.ts" && !/^(#!.*\n)?\/\*\*/.test(text)
  );
  assert.deepEqual(silent.map(({ path }) => path), []);
});

test("the rules see what they look for", () => {
  const broken = [
    ["export enum Color {", "const enum A {", "namespace N {"],
    ["  constructor(private x: number) {}", "  private y = 1;", "  f(a: string, public b: number)"],
    ['import { a } from "./a";', 'import { a } from "../a.js";'],
    ["  Deno.exit(1);", "if (Bun.version) {"],
    ['import * as fs from "fs";'],
  ];
  broken.forEach((lines, i) => {
    for (const line of lines) assert.match(line, RULES[i]!.pattern);
  });
  const fine = [
    "const publicKey = 1;",
    'import { a } from "./a.ts";',
    "  deno.openSync(path)",
    '"node:fs"',
  ];
  for (const line of fine) {
    for (const { pattern } of RULES) assert.doesNotMatch(line, pattern);
  }
});
