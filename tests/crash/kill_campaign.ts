/**
 * Owners of a store that are killed at any moment, again and again. The oracle lives here, in another
 * process than the owner, and has been told of every acknowledgement when the owner dies.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect, Store, verify } from "../../mod.ts";
import type { Campaign } from "../support/campaign.ts";
import { Random } from "../support/random.ts";
import { findRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";
import { KillOracle } from "./kill_oracle.ts";
import { FLEETING, SYNCS, type Told, workload } from "./workload.ts";

const WRITER = fileURLToPath(new URL("./kill_writer.ts", import.meta.url));
const CLI = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const EXECUTABLE = fileURLToPath(new URL("../../dist/seglog", import.meta.url));

/** A program that can own a store: as a library that works on it, or as a server that is asked. */
export interface Owner {
  readonly name: string;
  readonly kind: "library" | "server";
  readonly command: readonly string[];
}

/** About as long as the slowest owner takes to start. */
const STARTING_MS_MAX = 250;
const TOLD_MAX = 300;
const CYCLES_PER_STORE = 200;
const KEPT = 10;

/** All owners that can be had here, and for the others why not. */
export function findOwners(): { owners: Owner[]; missing: string[] } {
  const owners: Owner[] = [];
  const missing: string[] = [];
  for (const name of ["deno", "bun", "node"] as const) {
    const runtime = findRuntime(name);
    if (typeof runtime === "string") {
      missing.push(runtime);
      continue;
    }
    owners.push({ name, kind: "library", command: [...runtime.command, WRITER] });
    owners.push({ name: `${name} serve`, kind: "server", command: [...runtime.command, CLI] });
  }
  if (fs.existsSync(EXECUTABLE)) {
    owners.push({ name: "executable serve", kind: "server", command: [EXECUTABLE] });
  } else missing.push("dist/seglog is not there: deno task compile:bun makes it");
  return { owners, missing };
}

export const campaign: Campaign = {
  name: "kill",
  async run({ seed, isOver, note }) {
    const { owners, missing } = findOwners();
    for (const why of missing) note(`without an owner: ${why}`);
    const counts: Record<string, number> = {};
    let cases = 0;
    for (let store = 0; !isOver(); store++) {
      const killed = await killOwners(owners, {
        seed: seed + store,
        isOver: (cycle) => cycle >= CYCLES_PER_STORE || isOver(),
      });
      for (const [name, count] of Object.entries(killed)) {
        counts[name] = (counts[name] ?? 0) + count;
      }
      cases = owners.reduce((sum, { name }) => sum + (counts[name] ?? 0), 0);
      note(`${cases} kills`);
    }
    return { cases, counts };
  },
};

/**
 * Kills owners of one store, one after another.
 *
 * @returns how often each was killed, and the number of acknowledgements
 */
export async function killOwners(
  owners: readonly Owner[],
  options: { seed: number; isOver: (cycle: number) => boolean },
): Promise<Record<string, number>> {
  const { seed, isOver } = options;
  const random = new Random(seed);
  const oracle = new KillOracle();
  const counts: Record<string, number> = {};
  await using dir = tempDir();
  for (let cycle = 0; !isOver(cycle); cycle++) {
    const owner = owners[cycle] ?? random.pick(owners); // each of them once, in any case
    try {
      await killOnce(owner, { folder: dir.path, name: `${cycle}`, oracle, random });
      await checkStore(dir.path, { oracle, random });
    } catch (cause) {
      throw new Error(`seed ${seed}, cycle ${cycle}, ${owner.name}: ${cause}`, { cause });
    }
    counts[owner.name] = (counts[owner.name] ?? 0) + 1;
  }
  return { ...counts, acknowledgements: oracle.acknowledged };
}

/** Starts an owner, lets it work, and kills it: while it starts, or when it has told enough. */
async function killOnce(
  owner: Owner,
  options: { folder: string; name: string; oracle: KillOracle; random: Random },
): Promise<void> {
  const { folder, name, oracle, random } = options;
  const { sequence } = oracle;
  const server = ["serve", "--http", "127.0.0.1:0", "--data", folder];
  const args = owner.kind === "server" ? server : [folder, name, `${sequence}`];
  const [program, ...rest] = [...owner.command, ...args];
  // A runtime may be started by a script: what is killed is the group.
  const child = spawn(program!, rest, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = once(child, "close");
  let isKilled = false;
  const kill = () => {
    isKilled = true;
    killGroup(child);
  };
  const timer = random.chance(0.3) ? setTimeout(kill, random.below(STARTING_MS_MAX)) : undefined;
  const toldMax = 1 + random.below(TOLD_MAX);
  let toldCount = 0;
  const note = (told: Told) => {
    if (told.did === "fail" && isKilled) return; // a server that is gone
    oracle.note(told);
    if (++toldCount === toldMax) kill();
  };
  try {
    if (owner.kind === "library") {
      for await (const line of linesOf(child)) note(JSON.parse(line));
    } else {
      const url = await urlOf(child);
      if (url !== undefined) await askServer(url, { name, sequence }, note);
    }
    await ended;
    assert.ok(isKilled, "it ended by itself");
  } finally {
    clearTimeout(timer);
    killGroup(child);
    await ended;
  }
}

/** Whole lines of standard output: what a process wrote before it died. */
async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  child.stderr!.pipe(process.stderr);
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.endsWith("}")) yield line;
  }
}

/** Where a server says that it listens; nothing when it dies before it does. */
async function urlOf(child: ChildProcess): Promise<string | undefined> {
  child.stdout!.resume();
  return await new Promise((resolve) => {
    const lines = createInterface({ input: child.stderr! });
    lines.on("line", (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
    lines.on("close", () => resolve(undefined));
  });
}

async function askServer(
  url: string,
  options: { name: string; sequence: number },
  note: (told: Told) => void,
): Promise<void> {
  const backend = await connect(url, { retries: 0 }).catch(() => undefined);
  if (backend === undefined) return; // it was killed already
  await using _ = backend;
  await workload(backend, options, note);
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, "SIGKILL");
  } catch { // it has ended
  }
}

/**
 * Compares the store with the oracle. Every other time it is only read, as the killed owner left it,
 * and recovering is left to the next owner, which may be killed in the middle of that.
 */
async function checkStore(
  folder: string,
  { oracle, random }: { oracle: KillOracle; random: Random },
): Promise<void> {
  const readOnly = random.chance(0.5) && fs.existsSync(`${folder}/store.json`);
  await using store = await Store.open(folder, { readOnly });
  await oracle.check(store);
  if (!readOnly) await trim(store, oracle);
  await store.close();
  const { ok, problems } = verify(folder);
  assert.ok(ok, JSON.stringify(problems));
}

/** Keeps the store small. */
async function trim(store: Store, oracle: KillOracle): Promise<void> {
  for (const { name: topic } of await store.listTopics()) {
    if (topic === FLEETING) {
      await store.deleteTopic(topic);
      oracle.note({ did: "delete", topic });
    } else if (topic in SYNCS) {
      const { logStartOffset, nextOffset } = await store.bounds(topic);
      const before = Math.max(logStartOffset, nextOffset - KEPT);
      oracle.note({ did: "truncating", topic, before });
      await store.truncate(topic, { before });
      oracle.note({ did: "truncate", topic, before });
    }
  }
}
