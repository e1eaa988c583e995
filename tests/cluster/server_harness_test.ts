/** The servers that the cluster tests run on are real, and do what they are told. */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { findNats, startNats } from "../support/nats.ts";
import { WatchedProcess } from "../support/nats/watched_process.ts";
import { thisRuntime } from "../support/runtimes.ts";
import { tempDir } from "../support/temp_dir.ts";
import { isAlive } from "./is_alive.ts";

const program = await findNats();
const options = { skip: typeof program === "string" ? program : false };

test("a server takes messages, and has them after kill -9", options, async () => {
  await using server = await startNats({ maxPayload: 4096 });
  const connection = await connect({ servers: server.url });
  assert.equal(connection.info?.max_payload, 4096);
  await (await jetstreamManager(connection)).streams.add({ name: "S", subjects: ["s"] });
  assert.equal((await jetstream(connection).publish("s", "one")).seq, 1);
  await connection.close();

  const before = server.pid;
  await server.restart();
  assert.notEqual(server.pid, before);
  const again = await connect({ servers: server.url });
  const { state } = await (await jetstreamManager(again)).streams.info("S");
  assert.equal(state.messages, 1);
  await again.close();
});

test("a server that is paused does not answer, and then does", options, async () => {
  await using server = await startNats();
  const connection = await connect({ servers: server.url });
  await server.pause();
  const answered = connection.flush().then(() => "answered");
  const waited = delay(200, "waiting");
  assert.equal(await Promise.race([answered, waited]), "waiting");
  server.resume();
  assert.equal(await answered, "answered");
  await connection.close();
});

test("a server is gone with its folder at the end of the block", options, async () => {
  const server = await startNats();
  const { pid } = server;
  await server[Symbol.asyncDispose]();
  assert.equal(isAlive(pid), false);
  assert.equal(server.isRunning, false);
});

test("no server outlives a test that is killed", options, async () => {
  await using folder = tempDir();
  const script = fileURLToPath(new URL("./start_and_hang.ts", import.meta.url));
  const command = [...thisRuntime().command, script, "1"];
  const child = new WatchedProcess(["env", `TMPDIR=${folder.path}`, ...command]);
  const [said] = await child.said(/\[.*\]/);
  const [pid] = JSON.parse(said) as [number];
  assert.ok(isAlive(pid));
  await child.kill();
  while (isAlive(pid)) await delay(10);
});
