/** Members in processes of their own, some of which are killed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { connectHttp } from "../../client/connect_http.ts";
import { openServer } from "../server/support.ts";
import { Random } from "../support/random.ts";
import { numbers } from "./support.ts";
import { until } from "../support/until.ts";

const MEMBER = fileURLToPath(new URL("./member_process.ts", import.meta.url));
const RUN = process.versions.deno === undefined ? [] : ["run", "-A", "--no-check"];
const LEASE_MS = 1000;
const MEMBERS = 3;
const KILLS = 4;
const ROUND = 60;

test("members are killed and others take over: every record is read by somebody, and committed", async () => {
  await using opened = await openServer();
  const { store, url } = opened;
  await store.ensureTopic("orders", { partitions: 4 });
  const random = new Random(7);
  const seen = new Set<string>();
  const start = () => {
    const child = spawn(process.execPath, [...RUN, MEMBER, url, `${LEASE_MS}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    createInterface({ input: child.stdout }).on("line", (line) => seen.add(line));
    return { child, ended: once(child, "close") };
  };
  const members = Array.from({ length: MEMBERS }, start);
  let count = 0;
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      for (const { value } of numbers(count, count + ROUND)) {
        await store.append("orders", [{ value }], { partition: random.below(4) });
      }
      count += ROUND;
      // Somewhere in the middle of it.
      const enough = count - random.below(ROUND);
      await until(() => seen.size >= enough);
      const [killed] = members.splice(random.below(members.length), 1);
      killed!.child.kill("SIGKILL");
      await killed!.ended;
      members.push(start());
    }
    await until(() => seen.size === count);
    await using backend = await connectHttp(url);
    await until(async () => (await backend.groups.list())[0]!.lag === 0);
    assert.deepEqual([...seen].toSorted(byNumber), numbers(0, count).map(({ value }) => value));
  } finally {
    for (const { child } of members) child.kill("SIGKILL");
    await Promise.all(members.map(({ ended }) => ended));
  }
});

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b);
}
