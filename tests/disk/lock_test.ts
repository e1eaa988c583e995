import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import * as readline from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { lockOpenFile, readLockNote, signLock, tryLockFile } from "../../core/disk/lock.ts";
import { tempDir } from "../support/temp_dir.ts";
import { findRuntime, type Runtime } from "../support/runtimes.ts";

const HOLDER = fileURLToPath(new URL("./lock_holder.ts", import.meta.url));
const found = (["deno", "bun", "node"] as const).map((name) => ({
  name,
  found: findRuntime(name),
}));
const runtimes = found.flatMap(({ found }) => typeof found === "string" ? [] : [found]);

for (const { name, found: holder } of found) {
  const skip = typeof holder === "string" ? holder : false;

  test(`a lock held by ${name} keeps every runtime out, and frees when it is killed`, {
    skip,
  }, async () => {
    await using dir = tempDir();
    const path = join(dir.path, "LOCK");
    const held = new Contender(holder as Runtime, path);
    assert.equal(await held.answer(), "held");
    assert.equal(readLockNote(path), `pid ${held.pid}`);
    assert.equal(tryLockFile(path, "us\n"), undefined);
    for (const other of runtimes) {
      const contender = new Contender(other, path);
      assert.equal(await contender.answer(), "refused", `${other.name} beside ${name}`);
      await contender.ended();
    }
    assert.equal(readLockNote(path), `pid ${held.pid}`, "who is refused writes nothing");
    await held.kill();
    const next = tryLockFile(path, "us\n");
    assert.ok(next, "a killed owner frees the lock at once");
    assert.equal(readLockNote(path), "us");
    next.release();
  });

  test(`a lock that ${name} releases can be taken by every runtime`, { skip }, async () => {
    await using dir = tempDir();
    const path = join(dir.path, "LOCK");
    for (const other of [holder as Runtime, ...runtimes]) {
      const owner = new Contender(other, path);
      assert.equal(await owner.answer(), "held", other.name);
      await owner.release();
    }
  });
}

test("a released lock is free also while a child process has the file open", {
  skip: fs.existsSync("/proc/self/fd") ? false : "it is not told here which files are open",
}, async () => {
  await using dir = tempDir();
  const path = fs.realpathSync(dir.path) + "/LOCK";
  const lock = tryLockFile(path, "")!;
  const handle = fs.readdirSync("/proc/self/fd").find((name) => linkOf(name) === path);
  const child = spawn("sleep", ["1000"], { stdio: ["ignore", "ignore", Number(handle)] });
  try {
    await once(child, "spawn");
    lock.release();
    const next = tryLockFile(path, "");
    assert.ok(next);
    next.release();
  } finally {
    child.kill("SIGKILL");
  }
});

test("a lock is released once, and also where what unlocks it cannot be started", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "LOCK");
  const { PATH } = process.env;
  const first = tryLockFile(path, "first")!;
  // There Node finds no flock(1). Deno needs none, and its other files of tests have the same PATH.
  if (process.versions.deno === undefined) process.env.PATH = dir.path;
  try {
    first.release();
  } finally {
    process.env.PATH = PATH;
  }
  assert.equal(first.isHeld(), false);
  const second = tryLockFile(path, "second");
  assert.ok(second);
  first.release();
  assert.equal(
    tryLockFile(path, "third"),
    undefined,
    "the second one is not the first one's to release",
  );
  second.release();
});

/** What an open file is; nothing of one that is closed by now. */
function linkOf(handle: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/self/fd/${handle}`);
  } catch {
    return undefined;
  }
}

test("a LOCK file that is replaced while it is being locked is noticed", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "LOCK");
  fs.writeFileSync(path, "first");
  const opened = lockOpenFile(path)!;
  fs.renameSync(path, join(dir.path, "old"));
  fs.writeFileSync(path, "second");
  assert.equal(signLock(opened, path, "us\n"), undefined);
  assert.equal(readLockNote(path), "second", "nothing is written to a file that is not ours");
  const lock = tryLockFile(path, "us\n");
  assert.ok(lock, "the new file can be locked");
  lock.release();
});

test("a LOCK file that is gone by the time it is locked is noticed", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "LOCK");
  const opened = lockOpenFile(path)!;
  fs.rmSync(path);
  assert.equal(signLock(opened, path, "us\n"), undefined);
});

test("a released lock leaves its file, and its note, for people to read", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "LOCK");
  const lock = tryLockFile(path, "pid 7, since then\n");
  assert.ok(lock);
  lock.release();
  assert.equal(readLockNote(path), "pid 7, since then");
  assert.equal(readLockNote(join(dir.path, "absent")), "");
});

/** A process that tries to take the lock. */
class Contender {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;
  #complaint = "";

  constructor(runtime: Runtime, path: string) {
    const [program, ...args] = runtime.command;
    this.#child = spawn(program, [...args, HOLDER, path]);
    this.#child.stderr.on("data", (chunk) => this.#complaint += chunk);
    this.#exit = once(this.#child, "close");
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  async answer(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`no answer: ${this.#complaint}`);
    return value;
  }

  async release(): Promise<void> {
    this.#child.stdin.end();
    assert.equal(await this.answer(), "released");
    await this.#exit;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async ended(): Promise<void> {
    await this.#exit;
  }
}
