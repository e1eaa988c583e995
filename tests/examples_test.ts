/** Runs the examples of doc comments and of Markdown pages, on the runtime that runs the tests. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { readSourceTree, ROOT } from "./source_tree.ts";
import { tempDir } from "./support/temp_dir.ts";

interface Example {
  /** File and line, for people. */
  readonly place: string;
  readonly code: string;
}

/** The names under which users import, with the files behind them. */
const { exports }: { exports: Record<string, string> } = JSON.parse(
  fs.readFileSync(join(ROOT, "package.json"), "utf8"),
);
/** In an example, `console.assert` states what is true; here it must be. */
const PRELUDE =
  'console.assert = (ok, ...what) => { if (!ok) throw new Error(`not so: ${what.join(" ")}`); };\n';
/** How the runtime is told to run a file; Deno takes packages from the project, not from there. */
const RUN = process.versions.deno === undefined
  ? []
  : ["run", "-A", "--quiet", "--config", join(ROOT, "deno.json")];
const DOC_COMMENT = /\/\*\*[\s\S]*?\*\//g;
/** Blocks marked `ts`, and nothing beside it: `ts ignore` is for what cannot be run. */
const BLOCK = /^```ts\n([\s\S]*?)^```$/gm;

const examples = [...readSourceTree().flatMap(inComments), ...pages().flatMap(inPage)];

test("the public surface has examples", () => {
  assert.ok(examples.some(({ place }) => place.startsWith("mod.ts")));
  assert.ok(examples.length >= 3);
});

for (const { place, code } of examples) {
  test(`the example at ${place} runs`, async () => {
    await using dir = tempDir();
    const path = join(dir.path, "example.ts");
    fs.writeFileSync(path, PRELUDE + withFiles(code));
    const child = spawn(process.execPath, [...RUN, path], {
      cwd: dir.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => output += data);
    const [status] = await once(child, "close");
    assert.equal(status, 0, `${output}\n${code}`);
  });
}

/** The code with the names that users import replaced by the files behind them. */
function withFiles(code: string): string {
  return code.replace(/from "seglog(\/\w+)?"/g, (_, path: string | undefined) => {
    const file = exports[`.${path ?? ""}`];
    assert.ok(file !== undefined, `package.json exports no "seglog${path}"`);
    return `from "${pathToFileURL(join(ROOT, file)).href}"`;
  });
}

function inComments({ path, text }: { path: string; text: string }): Example[] {
  return [...text.matchAll(DOC_COMMENT)].flatMap((comment) => {
    const plain = comment[0].replace(/^ *\* ?/gm, "");
    return blocksOf(plain, path, lineOf(text, comment.index));
  });
}

function inPage(path: string): Example[] {
  return blocksOf(fs.readFileSync(join(ROOT, path), "utf8"), path, 1);
}

function pages(): string[] {
  const docs = fs.existsSync(join(ROOT, "docs")) ? fs.readdirSync(join(ROOT, "docs")) : [];
  return ["README.md", ...docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)]
    .filter((path) => fs.existsSync(join(ROOT, path)));
}

function blocksOf(text: string, path: string, firstLine: number): Example[] {
  return [...text.matchAll(BLOCK)].map((block) => ({
    place: `${path}:${firstLine + lineOf(text, block.index) - 1}`,
    code: block[1]!,
  }));
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
