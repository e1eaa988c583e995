/** The generated code is that of the definitions. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { filesIn, generate, GENERATED, noteOf } from "../../../scripts/generate_proto.ts";
import { tempDir } from "../../support/temp_dir.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

test("every definition has its code, which says what it was made from", () => {
  const stems = filesIn(join(ROOT, "proto")).map((path) => path.replace(/\.proto$/, ""));
  const expected = stems.flatMap((stem) => [`${stem}_pb.d.ts`, `${stem}_pb.js`]);
  const there = filesIn(join(ROOT, GENERATED));
  assert.deepEqual(there, expected.toSorted());
  for (const path of there) {
    const [note] = fs.readFileSync(join(ROOT, GENERATED, path), "utf8").split("\n");
    assert.equal(
      note,
      noteOf(path.replace(/_pb\.(js|d\.ts)$/, "")),
      `run deno task proto: ${path}`,
    );
  }
});

const hasBuf = fs.existsSync(join(ROOT, "node_modules/.bin/buf"));

test("buf makes the code that is there", {
  skip: hasBuf ? false : "buf is not installed",
}, async () => {
  await using dir = tempDir();
  generate(dir.path);
  for (const path of filesIn(join(ROOT, GENERATED))) {
    const made = fs.readFileSync(join(dir.path, GENERATED, path), "utf8");
    assert.equal(made, fs.readFileSync(join(ROOT, GENERATED, path), "utf8"), path);
  }
});
