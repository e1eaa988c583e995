/** Real disks that are full or closed to writing, and processes that may not write or open more. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Store, verify } from "../../mod.ts";
import { RemoteStore } from "../support/remote_store.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";
import { acknowledged, startCli } from "../cli/run_cli.ts";
import { findIn, TopicOracle } from "./oracle.ts";

const PAGE = 4096;
const DISK_BYTES = 64 * PAGE;
const SEGMENT_BYTES = 2 * PAGE;

const unmountable = whyNotMounted();
const unlimited = spawnSync("prlimit", ["--version"]).error === undefined
  ? undefined
  : "prlimit, of util-linux, is not on PATH";

const runtime = thisRuntime();
const withDisk = { skip: unmountable ?? false };
const withLimits = { skip: unlimited ?? false };

test("a full disk rejects, and space that is freed is used without a gap", withDisk, async () => {
  await using disk = smallDisk();
  const filler = join(disk.path, "filler");
  const folder = join(disk.path, "store");
  await using store = new RemoteStore(runtime);
  const writer = new Writer(store);
  await store.open(folder, { defaults: { segmentBytes: SEGMENT_BYTES } });
  assert.equal((await writer.append()).kind, "acknowledged");
  for (let free = 0; free < 8; free++) { // also in the middle of a roll
    fs.writeFileSync(filler, "");
    fillUp(disk.path, filler, free * PAGE);
    let failures = 0;
    for (let i = 0; i < 12; i++) {
      if ((await writer.append()).kind !== "acknowledged") failures++;
    }
    assert.ok(failures > 0, `the disk took everything with ${free} pages free`);
    const { code } = await store.ask("ensureTopic", { topic: `u${free}` });
    if (free === 0 || code !== undefined) assert.equal(code, "disk-full");
    await writer.truncate();
    writer.oracle.check(await store.find("t"));
    fs.truncateSync(filler, 0);
    const { bounds } = await store.find("t");
    const next = bounds.nextOffset;
    assert.deepEqual(await writer.append(), {
      kind: "acknowledged",
      start: next,
      end: next + 2,
    });
    await writer.truncate();
  }
  assert.equal((await store.ask("close")).code, undefined);
  await writer.checkFolder(folder);
});

test("a torn tail that cannot be put aside stays until it can", withDisk, async () => {
  await using disk = smallDisk();
  const folder = join(disk.path, "store");
  const oracle = new TopicOracle();
  {
    await using store = new RemoteStore(runtime);
    const writer = new Writer(store, oracle);
    await store.open(folder);
    await writer.append();
    await store.kill();
  }
  const segment = join(folder, "t-0", "00000000000000000000.log");
  fs.appendFileSync(segment, new Uint8Array(3 * PAGE).fill(7));
  const size = fs.statSync(segment).size;
  const filler = join(disk.path, "filler");
  fs.writeFileSync(filler, "");
  await using store = new RemoteStore(runtime);
  const writer = new Writer(store, oracle);
  await store.open(folder);
  for (const free of [0, 1, 2]) {
    fillUp(disk.path, filler, free * PAGE);
    assert.equal((await writer.append()).kind, "rejected");
    assert.equal(fs.statSync(segment).size, size, "nothing was cut that is not kept");
    fs.truncateSync(filler, 0);
  }
  assert.deepEqual(await writer.append(), { kind: "acknowledged", start: 2, end: 4 });
  await store.ask("close");
  await writer.checkFolder(folder);
  const kept = fs.readdirSync(join(folder, "t-0", "quarantine"));
  const isTail = (bytes: Uint8Array) =>
    bytes.length >= 3 * PAGE && bytes.subarray(-3 * PAGE).every((byte) => byte === 7);
  assert.ok(
    kept.some((name) => isTail(fs.readFileSync(join(folder, "t-0", "quarantine", name)))),
  );
});

test(
  "a disk that is read-only is read, and written when it is not any more",
  withDisk,
  async () => {
    await using disk = smallDisk();
    const folder = join(disk.path, "store");
    await using store = new RemoteStore(runtime);
    const writer = new Writer(store);
    await store.open(folder);
    await writer.append();
    await store.ask("close");
    remount(disk.path, "ro");
    const refused = await store.open(folder);
    assert.equal(refused.code, "io");
    await store.open(folder, { readOnly: true });
    writer.oracle.check(await store.find("t"));
    await store.ask("close");
    remount(disk.path, "rw");
    await store.open(folder);
    assert.deepEqual(await writer.append(), { kind: "acknowledged", start: 2, end: 4 });
    await store.ask("close");
    await writer.checkFolder(folder);
  },
);

test("a file that may not grow is a full disk, and no end of the process", withLimits, async () => {
  await using dir = tempDir();
  await using store = new RemoteStore(runtime);
  const writer = new Writer(store);
  await store.open(dir.path);
  await limit(store, "--fsize=65536");
  const kinds = new Set<string>();
  for (let i = 0; i < 60; i++) kinds.add((await writer.append()).kind);
  assert.deepEqual([...kinds], ["acknowledged", "rejected"]);
  assert.deepEqual(writer.codes, new Set(["disk-full"]));
  writer.oracle.check(await store.find("t"));
  await store.ask("close");
  await writer.checkFolder(dir.path);
});

test("a batch of which only a part fits is no success: it is taken back", withLimits, async () => {
  await using dir = tempDir();
  await using store = new RemoteStore(runtime);
  await store.open(dir.path);
  await limit(store, "--fsize=65536");
  for (let round = 0; round < 3; round++) {
    const { code } = await store.append("t", [{ value: "x".repeat(100_000) }]);
    assert.equal(code, "disk-full");
    assert.equal((await store.append("t", [{ value: `${round}` }])).value!.start, round);
  }
  const { values } = (await store.ask<{ values: unknown[] }>("find", { topic: "t" })).value!;
  assert.equal(values.length, 3);
  await store.ask("close");
  assert.ok(verify(dir.path).ok);
});

test(
  "a process that may open no more files is told so, and goes on when it may",
  withLimits,
  async () => {
    await using dir = tempDir();
    await using store = new RemoteStore(runtime);
    const writer = new Writer(store);
    await store.open(dir.path, { defaults: { segmentBytes: SEGMENT_BYTES } });
    await writer.append();
    await limit(store, "--nofile=120");
    for (let left = 0; left < 4; left++) {
      assert.ok((await store.ask<number>("hoard", { left })).value! > 10);
      for (let i = 0; i < 6; i++) await writer.append(); // rolls on the way
      const made = await store.ask("ensureTopic", { topic: `u${left}` });
      if (left === 0) assert.equal(made.code, "io");
      await store.ask("letGo");
      const next = (await store.find("t")).bounds.nextOffset;
      assert.deepEqual(await writer.append(), {
        kind: "acknowledged",
        start: next,
        end: next + 2,
      });
    }
    assert.deepEqual(writer.codes, new Set(["io"]));
    assert.equal((await store.ask("close")).code, undefined);
    await writer.checkFolder(dir.path);
  },
);

test("the command line outlives a file that may not grow, and says so", {
  skip: unlimited ?? false,
}, async () => {
  await using dir = tempDir();
  await using append = startCli(["append", "t"], { at: dir.path });
  append.child.stdin!.write("first\n");
  await acknowledged(append, { at: dir.path, topic: "t", count: 1 });
  const { status } = spawnSync("prlimit", ["--pid", `${append.child.pid}`, "--fsize=65536"]);
  assert.equal(status, 0);
  append.child.stdin!.on("error", () => {}); // it ends before it has read everything
  append.child.stdin!.end("x".repeat(999).concat("\n").repeat(200));
  const { code, err } = await append.ended;
  assert.equal(code, 1, err);
  assert.match(err, /the disk is full \(EFBIG\)/);
  assert.equal(verify(dir.path).ok, true);
});

/** Appends to the topic "t", two records at a time, and keeps account. */
class Writer {
  readonly oracle: TopicOracle;
  /** Codes of the errors there were. */
  readonly codes = new Set<string>();
  readonly #store: RemoteStore;
  #value = 0;

  constructor(store: RemoteStore, oracle = new TopicOracle()) {
    this.#store = store;
    this.oracle = oracle;
    this.#value = oracle.appends.length * 2;
  }

  async append() {
    const values = [`${this.#value++}`, `${this.#value++}`];
    const records = values.map((value) => ({ value, key: "x".repeat(900) }));
    const { value, code } = await this.#store.append("t", records);
    if (code !== undefined) this.codes.add(code);
    const kind = code === "outcome-unknown" ? "unknown" : "rejected";
    const outcome = value === undefined
      ? { kind } as const
      : { kind: "acknowledged", ...value } as const;
    this.oracle.appends.push({ values, outcome });
    return outcome;
  }

  /** Keeps the last few records, where the disk lets it. */
  async truncate(): Promise<void> {
    const { bounds } = await this.#store.find("t");
    const before = Math.max(bounds.logStartOffset, bounds.nextOffset - 4);
    const { code } = await this.#store.ask("truncate", { topic: "t", before });
    this.oracle.removed.push({ start: 0, end: before, isSure: code === undefined });
  }

  async checkFolder(folder: string): Promise<void> {
    await using store = await Store.open(folder);
    this.oracle.check(await findIn(store, "t"));
    await store.close();
    const { ok, problems } = verify(folder);
    assert.ok(ok, JSON.stringify(problems));
  }
}

/** A tmpfs of a few pages, gone at the end of the block. */
function smallDisk(): AsyncDisposable & { readonly path: string } {
  const dir = tempDir();
  const { status, stderr } = mount("-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", dir.path);
  assert.equal(status, 0, stderr);
  return {
    path: dir.path,
    async [Symbol.asyncDispose]() {
      spawnSync("umount", ["-l", dir.path]);
      await dir[Symbol.asyncDispose]();
    },
  };
}

function mount(...args: string[]) {
  return spawnSync("mount", args, { encoding: "utf8" });
}

function remount(path: string, how: "ro" | "rw"): void {
  const { status, stderr } = mount("-o", `remount,${how}`, path);
  assert.equal(status, 0, stderr);
}

/** Why no small disk can be had; nothing when it can. */
function whyNotMounted(): string | undefined {
  const path = fs.mkdtempSync("/tmp/seglog-mount-");
  try {
    const { status, error, stderr } = mount("-t", "tmpfs", "-o", "size=4096", "tmpfs", path);
    if (status === 0) spawnSync("umount", [path]);
    return status === 0 ? undefined : `mounting needs root: ${error ?? stderr.trim()}`;
  } finally {
    fs.rmdirSync(path);
  }
}

/** Takes all space of a disk but `free` bytes. */
function fillUp(disk: string, filler: string, free: number): void {
  const { bavail, bsize } = fs.statfsSync(disk);
  const bytes = Math.max(0, bavail * bsize - free);
  fs.appendFileSync(filler, new Uint8Array(bytes));
}

/** Takes from the process what it may do from now on. Started with less, some runtimes do not start. */
async function limit(store: RemoteStore, resource: string): Promise<void> {
  const { value: pid } = await store.ask<number>("pid");
  const { status, stderr } = spawnSync("prlimit", ["--pid", `${pid}`, resource]);
  assert.equal(status, 0, `${stderr}`);
}
