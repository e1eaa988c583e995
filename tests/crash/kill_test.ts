/** A process that is killed in the middle of its work: what it had acknowledged is there. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRecords, Store, verify } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

const WRITER = fileURLToPath(new URL("./stream_writer.ts", import.meta.url));
const RUN_SCRIPT = process.versions.deno === undefined ? [] : ["run", "-A"];

/** Runs the writer until it has acknowledged `count` records, kills it, and returns them all. */
async function writeAndKill(folder: string, sync: string, count: number) {
  const acknowledged = new Map<number, string>();
  const writer = spawn(process.execPath, [...RUN_SCRIPT, WRITER, folder, sync], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise((resolve) => writer.on("exit", resolve));
  for await (const line of createInterface({ input: writer.stdout })) {
    const [offset, value] = line.split("\t");
    if (value === undefined) continue; // the line that was being written at the end
    acknowledged.set(Number(offset), value);
    if (acknowledged.size === count) writer.kill("SIGKILL");
  }
  await exit;
  return acknowledged;
}

describe("kill -9", () => {
  for (const sync of ["always", "os"]) {
    test(`loses nothing that was acknowledged, with sync ${sync}, again and again`, async () => {
      await using dir = tempDir();
      const acknowledged = new Map<number, string>();
      for (const count of [1, 100, 700, 1500]) {
        for (const [offset, value] of await writeAndKill(dir.path, sync, count)) {
          assert.ok(!acknowledged.has(offset), `offset ${offset} was given twice`);
          acknowledged.set(offset, value);
        }
      }
      await using store = await Store.open(dir.path);
      const records = await collect(readRecords(store, "stream"));
      assert.deepEqual(records.map(({ offset }) => offset), records.map((_, i) => i));
      for (const [offset, value] of acknowledged) {
        assert.equal(records[offset]?.text, value, `offset ${offset}`);
      }
      assert.equal(verify(dir.path).ok, true);
    });
  }
});
