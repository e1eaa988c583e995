/** `repair`, and what the other verbs say of what it gave up. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Store } from "../../mod.ts";
import { serve } from "../../server/listen.ts";
import { tempDir } from "../support/temp_dir.ts";
import { runMain } from "./fake_io.ts";

/** The topic t with three segments of two batches each, offsets 0 to 5; the second is damaged. */
async function damagedPartition(at: string): Promise<string> {
  await using store = await Store.open(at);
  await store.ensureTopic("t", { segmentBytes: 4096 });
  for (let i = 0; i < 6; i++) await store.append("t", [{ value: `${i}`.repeat(1900) }]);
  const folder = join(at, "t-0");
  const path = join(folder, "00000000000000000002.log");
  const bytes = fs.readFileSync(path);
  bytes[64 + 64 + 500]! ^= 0xff;
  fs.writeFileSync(path, bytes);
  return folder;
}

/** The file names of a folder with their content. */
function filesIn(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name !== "LOCK") files[path] = fs.readFileSync(path, "latin1");
  }
  return files;
}

test("verify, and a repair that may lose nothing, say the very command that repairs", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const folder = await damagedPartition(at);
  const before = filesIn(at);
  const command = `seglog repair ${folder} --accept-loss 2:3`;
  const verified = await runMain(["verify"], { at });
  assert.deepEqual([verified.code, verified.err.includes(command)], [5, true], verified.err);
  for (const args of [[folder], [folder, "--accept-loss", "3:9", "-y"], [at]]) {
    const { code, out, err } = await runMain(["repair", ...args], { at });
    assert.deepEqual([code, out], [5, ""]);
    assert.ok(err.includes(command), err);
  }
  assert.deepEqual(filesIn(at), before);
});

test("repair gives up what it was told, and says what is lost, what is kept and where", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const folder = await damagedPartition(at);
  const before = filesIn(at);
  const accept = ["repair", folder, "--accept-loss", "2:3"];

  const dry = await runMain([...accept, "--dry-run"], { at });
  assert.equal(dry.code, 0);
  assert.match(dry.err, /damage: .*2\.log at position 64: payload checksum does not match\n/);
  assert.match(dry.err, /would give up 1 offset of .*t-0: 2\n.*5 records can be read then\n/);
  const unasked = await runMain(accept, { at });
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /Give up 1 offset of .*t-0, 2\? There is no terminal to ask on/);
  const refused = await runMain(accept, { at, isTerminal: true, input: "n\n" });
  assert.equal(refused.code, 1);
  assert.match(refused.err, /nothing was changed\n$/);
  assert.deepEqual(filesIn(at), before);

  const { code, out, err } = await runMain([...accept, "-y"], { at });
  assert.deepEqual([code, out], [0, ""]);
  assert.match(err, /gave up 1 offset of .*t-0: 2\n.*5 records can be read now\n/);
  const kept = join(folder, "quarantine", "00000000000000000002.log");
  assert.ok(err.includes(`what was there is kept in ${kept}\n`), err);
  assert.equal(filesIn(at)[kept], before[join(folder, "00000000000000000002.log")]);

  const again = await runMain([...accept, "-y"], { at });
  assert.equal(again.code, 0);
  assert.match(again.err, /nothing is damaged in .*, nothing was changed\n$/);
});

test("repair -J writes one object", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const folder = await damagedPartition(at);
  const args = ["repair", folder, "--accept-loss", "0:6", "-J", "-y"];
  const { code, out, err } = await runMain(args, { at });
  assert.deepEqual([code, err], [0, ""]);
  const report = JSON.parse(out);
  assert.deepEqual(
    [report.version, report.dryRun, report.isDamaged, report.lost, report.records],
    [1, false, true, [{ start: 2, end: 3 }], 5],
  );
  assert.deepEqual(report.quarantined, [join(folder, "quarantine", "00000000000000000002.log")]);
});

test("read, tail and the others pass what was lost with a note, on a folder and through a server", async () => {
  await using dir = tempDir();
  const folder = await damagedPartition(dir.path);
  await runMain(["repair", folder, "--accept-loss", "2:3", "-y"], { at: dir.path });
  const checkAll = async (at: string) => {
    const note = 'seglog: offset 2 of "t" was lost, and given up by a repair\n';
    const format = ["-f", "%o "];
    const read = await runMain(["read", "t", ...format], { at });
    assert.deepEqual([read.code, read.out, read.err], [0, "0 1 3 4 5 ", note]);
    const back = await runMain(["read", "t", "--reverse", ...format], { at });
    assert.deepEqual([back.code, back.out, back.err], [0, "5 4 3 1 0 ", note]);
    const inside = await runMain(["read", "t", "-o", "2:4", ...format], { at });
    assert.deepEqual([inside.code, inside.out, inside.err], [0, "3 ", note]);
    const behind = await runMain(["read", "t", "-o", "3", ...format], { at });
    assert.deepEqual([behind.code, behind.out, behind.err], [0, "3 4 5 ", ""]);
    const followed = await runMain(["read", "t", "--follow", "-n", "5", ...format], { at });
    assert.deepEqual([followed.out, followed.err], ["0 1 3 4 5 ", note]);
    const tail = await runMain(["tail", "t", "-n4", "--format", "%o "], { at });
    assert.deepEqual([tail.code, tail.out, tail.err], [0, "1 3 4 5 ", note]);
    const few = await runMain(["tail", "t", "-n3", "--format", "%o "], { at });
    assert.deepEqual([few.out, few.err], ["3 4 5 ", ""]);
    const info = await runMain(["info", "t", "-J"], { at });
    assert.equal(JSON.parse(info.out).partitions[0].records, 5);
    const keep = await runMain(["truncate", "t", "--keep", "4", "--dry-run"], { at });
    assert.match(keep.err, /would remove 1 record: 0\n$/);
    const verified = await runMain(["verify"], { at });
    assert.equal(verified.code, 0);
    assert.match(verified.err, /notice: .*t-0 \(offsets 2\): .*lost, and given up by a repair/);
  };
  await checkAll(dir.path);
  await using store = await Store.open(dir.path);
  const server = await serve(store, { port: 0 });
  try {
    await checkAll(server.url);
    assert.equal((await runMain(["repair", folder, "-y"], { at: server.url })).code, 0);
    const held = await runMain(["repair", folder, "--accept-loss", "0:1"], { at: dir.path });
    assert.equal(held.code, 0, held.err); // nothing is damaged: no lock is needed to say so
  } finally {
    await server.close();
  }
  const appended = await runMain(["append", "t", "more"], { at: dir.path });
  assert.equal(appended.code, 6); // the store above is still open
});

test("repair takes the store's lock, and words that make sense", async () => {
  await using dir = tempDir();
  const at = dir.path;
  const folder = await damagedPartition(at);
  {
    await using _owner = await Store.open(at);
    const held = await runMain(["repair", folder, "--accept-loss", "2:3", "-y"], { at });
    assert.equal(held.code, 6, held.err);
  }
  for (const range of ["3", "3:2", "-1:2", "a:b"]) {
    const { code } = await runMain(["repair", folder, `--accept-loss=${range}`, "-y"], { at });
    assert.equal(code, 2, range);
  }
  assert.equal((await runMain(["repair", "http://127.0.0.1:1"], { at })).code, 2);
  assert.equal((await runMain(["repair"], { at })).code, 2);
  assert.equal((await runMain(["repair", join(at, "no")], { at })).code, 3);
});

test("repair makes a catalogue anew that cannot be believed, and keeps the old one", async () => {
  await using dir = tempDir();
  const at = dir.path;
  {
    await using store = await Store.open(at);
    await store.ensureTopic("Große Fahrt/1", { partitions: 3 });
    await store.append("Große Fahrt/1", [{ value: "a" }], { partition: 2 });
    await store.append("t", [{ value: "b" }]);
  }
  const path = join(at, "store.json");
  fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("partitions", "partition?"));
  const refused = await runMain(["read", "t"], { at });
  assert.equal(refused.code, 5);
  assert.ok(refused.err.includes(`seglog repair ${at}`), refused.err);
  const { code, err } = await runMain(["repair", at, "-y"], { at });
  assert.equal(code, 0, err);
  assert.match(err, /2 topics: their settings are the defaults/);
  assert.match(fs.readFileSync(join(at, "quarantine", "store.json"), "utf8"), /partition\?/);
  assert.equal((await runMain(["read", "t"], { at })).out, "b\n");
  assert.equal((await runMain(["read", "Große Fahrt/1"], { at })).out, "a\n");
  assert.equal((await runMain(["append", "t", "c"], { at })).out, "1\n");
  assert.equal((await runMain(["verify"], { at })).code, 0);
});
