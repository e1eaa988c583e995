/** Backups of a store that another process writes to, and of one whose process is killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { backup, readRecords, restore, Store, verify } from "../../mod.ts";
import { collect } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";

const WRITER = fileURLToPath(new URL("./backup_writer.ts", import.meta.url));
const RUN_SCRIPT = process.versions.deno === undefined ? [] : ["run", "-A"];
const ROUNDS = 15;

test("beside a process that does everything, each snapshot is whole and has what was acknowledged", async () => {
  await using dir = tempDir();
  const [data, backups] = [join(dir.path, "data"), join(dir.path, "backups")];
  const writer = spawn(process.execPath, [...RUN_SCRIPT, WRITER, data], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(writer, "exit");
  let acknowledged = -1;
  let linked = 0;
  try {
    const lines = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
    const snapshots: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < 20; i++) {
        const { value } = await lines.next();
        assert.ok(value !== undefined, "the writer ended");
        acknowledged = Number(value);
      }
      const { ok, problems, snapshot, linkedBytes } = await backup(data, backups);
      assert.deepEqual([ok, problems], [true, []]);
      await checkStream(snapshot.path, acknowledged);
      snapshots.push(snapshot.path);
      linked += linkedBytes;
    }
    writer.kill("SIGKILL");
    await exit;
    // What the kill left can be backed up, too, and the snapshots before are as whole as they were.
    for await (const { value } of rest(lines)) acknowledged = Number(value);
    const last = await backup(data, backups);
    assert.equal(last.ok, true);
    await checkStream(last.snapshot.path, acknowledged);
    for (const path of snapshots) await checkStream(path, -1);
  } finally {
    writer.kill("SIGKILL");
    await exit;
  }
  assert.ok(linked > 0, "segments were shared");
  const target = join(dir.path, "restored");
  assert.equal((await restore(backups, target)).ok, true);
  await using store = await Store.open(target);
  const { nextOffset } = await store.bounds("stream");
  assert.equal((await store.append("stream", [{ value: "on" }])).start, nextOffset);
});

/** Every record is where it says that it is, and all that was acknowledged is below the end. */
async function checkStream(path: string, acknowledged: number): Promise<void> {
  const report = verify(path);
  assert.deepEqual(report.problems, []);
  await using store = await Store.open(path, { readOnly: true });
  const { nextOffset } = await store.bounds("stream");
  assert.ok(nextOffset > acknowledged, `${nextOffset} is not above ${acknowledged}`);
  const records = await collect(readRecords(store, "stream"));
  for (const { offset, text } of records) assert.equal(text.split(" ")[0], `${offset}`);
  const { partitions } = await store.describeTopic("stream");
  assert.equal(records.length, partitions[0]!.records);
}

async function* rest(lines: AsyncIterator<string>) {
  for (let line = await lines.next(); !line.done; line = await lines.next()) yield line;
}
