/** Imports point down the layer table, never up and never around. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  filesIn,
  importsOf,
  readSource,
  readSourceTree,
  ROOT,
  type SourceFile,
} from "./source_tree.ts";

/** What each layer may import besides itself. The contract is the files of `core/` itself. */
const MAY_IMPORT = {
  base: [],
  disk: ["base"],
  format: ["base"],
  log: ["base", "disk", "format"],
  contract: ["base", "format"],
  dump: ["base", "disk", "format", "log"],
  store: ["base", "disk", "format", "log", "contract"],
  kv: ["base", "format", "contract"],
  query: ["base", "format", "contract"],
  tracing: ["base", "format", "contract"],
  groups: ["base", "format", "contract", "kv"],
  election: ["base", "contract"],
  jetstream: ["base", "format", "contract", "election"],
  replica: ["base", "disk", "format", "contract", "store"],
  client: ["base", "format", "contract", "groups", "tracing", "jetstream"],
  server: ["base", "disk", "format", "kv", "groups", "query", "contract", "tracing"],
  cli: [
    "base",
    "disk",
    "format",
    "log",
    "contract",
    "dump",
    "store",
    "kv",
    "groups",
    "query",
    "jetstream",
    "replica",
    "client",
    "server",
    "mod",
  ],
  mod: [
    "base",
    "disk",
    "format",
    "log",
    "contract",
    "dump",
    "store",
    "kv",
    "groups",
    "jetstream",
    "replica",
    "client",
  ],
  bench: ["mod", "scripts"],
  scripts: [],
} as const;
type Layer = keyof typeof MAY_IMPORT;

/** Files that are started or imported from outside. */
const ROOTS = [
  "mod.ts",
  "cli/main.ts",
  "server/query/worker_main.ts",
  "bench/main.ts",
  "bench/run_one.ts",
  "bench/thread.ts",
  "bench/guard/main.ts",
];

const tree = readSourceTree();
/** What the benchmark starts programs with. */
const scripts = filesIn("scripts").map(readSource);
const byPath = new Map([...tree, ...scripts].map((file) => [file.path, file]));
const packages = JSON.parse(fs.readFileSync(join(ROOT, "package.json"), "utf8"));

test("every source file belongs to a layer", () => {
  assert.deepEqual(tree.filter(({ path }) => layerOf(path) === undefined).map(pathOf), []);
});

test("imports point down the layer table", () => {
  const upward = tree.flatMap((file) => {
    const layer = layerOf(file.path)!;
    return ownImports(file)
      .filter((path) => !isBelow(layer, layerOf(path)))
      .map((path) => `${file.path} (${layer}) imports ${path} (${layerOf(path)})`);
  });
  assert.deepEqual(upward, []);
});

test("every import finds its file", () => {
  const lost = tree.flatMap((file) =>
    ownImports(file)
      .filter((path) => isGenerated(path) ? !fs.existsSync(join(ROOT, path)) : !byPath.has(path))
      .map((path) => `${file.path}: ${path}`)
  );
  assert.deepEqual(lost, []);
});

test("no file needs itself to run, not even through others", () => {
  assert.deepEqual(findCycles(tree), []);
});

test("every file is imported by another one, or is a way in", () => {
  const imported = new Set([...tree.flatMap(ownImports), ...ROOTS]);
  assert.deepEqual(tree.map(pathOf).filter((path) => !imported.has(path)), []);
});

test("core imports nothing but itself and what the runtimes bring", () => {
  const foreign = tree.filter(({ path }) => path.startsWith("core/")).flatMap((file) =>
    file.imports
      .filter(({ specifier, path }) => path === undefined && !specifier.startsWith("node:"))
      .map(({ specifier }) => `${file.path}: ${specifier}`)
  );
  assert.deepEqual(foreign, []);
});

test("a package that the source imports is a dependency, and every dependency is imported", () => {
  const product = tree.filter((file) => layerOf(file.path) !== "bench");
  assert.deepEqual(packagesOf(product), Object.keys(packages.dependencies).toSorted());
});

test("the packages of the benchmark are for development, but for those of the product", () => {
  const bench = tree.filter((file) => layerOf(file.path) === "bench");
  const named = { ...packages.dependencies, ...packages.devDependencies };
  const missing = packagesOf(bench).filter((name) => !Object.hasOwn(named, name));
  assert.deepEqual(missing, []);
});

test("mod.ts re-exports and does nothing else", () => {
  const { text } = byPath.get("mod.ts")!;
  const code = text.replace(/^\/\*\*[\s\S]*?\*\/\n/gm, "").replace(/^\/\/.*\n/gm, "");
  const rest = code.replace(/^export (type )?\{[^}]*\} from "[^"]+";\n/gm, "")
    .replace(/^export (type )?\* from "[^"]+";\n/gm, "");
  assert.equal(rest.trim(), "");
});

test("the checks of this file see what they look for", () => {
  const text = [
    'import a from "../store/store.ts";',
    "import {",
    "  type B,",
    '} from "./b.ts";',
    'export { c } from "hono";',
    'import "./d.ts";',
    'const e = await import("./e.ts");',
    ' * import { Log } from "seglog";',
  ].join("\n");
  assert.deepEqual(
    importsOf("core/log/x.ts", text).map(({ specifier, path }) => path ?? specifier),
    [
      "core/store/store.ts",
      "core/log/b.ts",
      "hono",
      "core/log/d.ts",
      "core/log/e.ts",
    ],
  );
  assert.equal(isBelow("log", layerOf("core/store/store.ts")), false);
  assert.equal(isBelow("store", layerOf("core/backend.ts")), true);
  const file = (path: string, other: string): SourceFile => ({
    path,
    text: "",
    imports: [{ specifier: other, path: other, isType: false }],
  });
  assert.deepEqual(findCycles([file("a", "b"), file("b", "c"), file("c", "b")]), ["b > c > b"]);
});

function layerOf(path: string): Layer | undefined {
  const [top, next, ...rest] = path.split("/");
  if (path === "mod.ts") return "mod";
  if (top !== "core") return isLayer(top) ? top : undefined;
  if (rest.length === 0) return "contract";
  return isLayer(next) ? next : undefined;
}

/** Code that is made from `proto/`: it has no source here. */
function isGenerated(path: string): boolean {
  return /\/generated\/.*_pb\.js$/.test(path);
}

function isLayer(name: string | undefined): name is Layer {
  return name !== undefined && Object.hasOwn(MAY_IMPORT, name);
}

function isBelow(layer: Layer, other: Layer | undefined): boolean {
  return other === layer || (MAY_IMPORT[layer] as readonly unknown[]).includes(other);
}

function ownImports(file: SourceFile): string[] {
  return file.imports.flatMap(({ path }) => path ?? []);
}

/** The cycles among files, each once, by a walk in depth. Types may know each other. */
function findCycles(files: readonly SourceFile[]): string[] {
  const imports = new Map(files.map((file) => [
    file.path,
    file.imports.flatMap(({ path, isType }) => path === undefined || isType ? [] : path),
  ]));
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      cycles.push([...trail.slice(start), path].join(" > "));
      return;
    }
    if (done.has(path)) return;
    for (const next of imports.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const { path } of files) visit(path, []);
  return cycles;
}

function packagesOf(files: readonly SourceFile[]): string[] {
  const imported = files.flatMap((file) => file.imports)
    .filter(({ specifier, path }) => path === undefined && !specifier.startsWith("node:"))
    .map(({ specifier }) => packageOf(specifier));
  return [...new Set(imported)].toSorted();
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function pathOf(file: SourceFile): string {
  return file.path;
}
