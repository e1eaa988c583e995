/** A command line that is killed while it appends what it reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readRecords, Store, verify } from "../../mod.ts";
import { acknowledged, startCli } from "../cli/run_cli.ts";
import { collect } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

test("append that is killed leaves the lines that it had taken: the first so many, each whole", async () => {
  await using dir = tempDir();
  let stored = 0;
  for (const lines of [1, 500, 3000]) {
    await using append = startCli(["append", "t"], { at: dir.path });
    const from = stored;
    const input = Array.from(
      { length: 2 * lines },
      (_, i) => `${from + i} ${"x".repeat(i % 90)}\n`,
    );
    append.child.stdin!.write(input.join(""));
    await acknowledged(append, { at: dir.path, topic: "t", count: from + lines });
    append.child.kill("SIGKILL");
    await append.ended;
    await using store = await Store.open(dir.path);
    const records = await collect(readRecords(store, "t", { from }));
    assert.ok(records.length >= lines);
    assert.deepEqual(
      records.map(({ offset, text }) => [offset, `${text}\n`]),
      input.slice(0, records.length).map((line, i) => [from + i, line]),
    );
    stored += records.length;
  }
  assert.equal(verify(dir.path).ok, true);
});
