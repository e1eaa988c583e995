/** A log read by one process while another one owns it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Log } from "../../mod.ts";
import { collect, rejectsWith, shown, take } from "../support/collect.ts";
import { tempDir } from "../support/temp_dir.ts";
import { TrickDisk } from "../support/trick_disk.ts";

const WRITER = fileURLToPath(new URL("./outside_writer.ts", import.meta.url));
const RUN_SCRIPT = process.versions.deno === undefined ? [] : ["run", "-A"];

describe("reading beside the owner", () => {
  test("a reader sees what the owner has appended, rolled and truncated", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk, segmentBytes: 4096 });
    const reader = await Log.open("/log", { disk, readOnly: true });
    assert.equal(reader.nextOffset, 0);
    const value = "x".repeat(1000);
    for (let i = 0; i < 10; i++) {
      await owner.append({ value });
      assert.equal(reader.nextOffset, i + 1);
    }
    assert.equal((await collect(reader.records())).length, 10);
    await owner.truncate({ before: 6 });
    assert.equal(reader.logStartOffset, 6);
    await rejectsWith("offset-out-of-range", () => reader.read(5));
    assert.equal((await reader.read(6)).offset, 6);
    await owner.close();
    assert.equal(reader.nextOffset, 10);
    await reader.close();
  });

  test("a reader writes nothing and takes no lock", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk });
    await owner.append({ value: "a" });
    const written: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation !== "open") written.push(`${operation} ${path}`);
    };
    const reader = await Log.open("/log", { disk, readOnly: true });
    assert.deepEqual(await shown(reader.records()), ["0:a"]);
    await rejectsWith("read-only", () => reader.append({ value: "b" }));
    await rejectsWith("read-only", () => reader.truncate({ before: 1 }));
    await reader.close();
    assert.deepEqual(written, []);
    await owner.close();
  });

  test("a reader does not take half a batch for one", async () => {
    const disk = new TrickDisk();
    const owner = await Log.open("/log", { disk });
    await owner.append({ value: "a" });
    const reader = await Log.open("/log", { disk, readOnly: true });
    const path = "/log/00000000000000000000.log";
    const file = disk.open(path, "write");
    file.write(new Uint8Array(40).fill(7), file.size());
    assert.equal(reader.nextOffset, 1);
    assert.deepEqual(await shown(reader.records()), ["0:a"]);
    await reader.close();
    await owner.close();
  });

  test("a log that is not there is not found", async () => {
    await using dir = tempDir();
    await rejectsWith("not-found", () => Log.open(join(dir.path, "no"), { readOnly: true }));
    await rejectsWith("not-found", () => Log.open(join(dir.path, "no"), { create: false }));
    assert.equal(fs.existsSync(join(dir.path, "no")), false);
  });

  test("a follower in this process gets what another process appends", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    await (await Log.open(folder)).close();
    await using reader = await Log.open(folder, { readOnly: true });
    const following = take(reader.records({ follow: true }), 50);
    const writer = spawn(process.execPath, [...RUN_SCRIPT, WRITER, folder, "50"], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const exit = new Promise<number | null>((resolve) => writer.on("exit", resolve));
    const records = await following;
    assert.deepEqual(
      records.map((record) => record.text),
      Array.from({ length: 50 }, (_, i) => `${i}`),
    );
    assert.equal(await exit, 0);
  });

  test("the second of two owners is told who holds the lock", async () => {
    await using dir = tempDir();
    const folder = join(dir.path, "log");
    await using _owner = await Log.open(folder);
    const error = await rejectsWith("locked", () => Log.open(folder));
    assert.equal(error.exitCode, 6);
    assert.match(error.message, new RegExp(`pid ${process.pid}`));
  });
});
