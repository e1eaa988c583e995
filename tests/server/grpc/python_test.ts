/**
 * A client in another language. It needs Python with grpcio and grpcio-tools (`pip install grpcio
 * grpcio-tools`); the variable SEGLOG_PYTHON names another interpreter than python3.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { test } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { openGrpc } from "./support.ts";

const PYTHON = process.env.SEGLOG_PYTHON ?? "python3";
const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const hasGrpc = spawnSync(PYTHON, ["-c", "import grpc, grpc_tools"]).status === 0;

test("a Python program produces, consumes, follows and ingests through grpcio", {
  skip: hasGrpc ? false : `${PYTHON} has no grpcio and grpcio-tools`,
}, async () => {
  await using opened = await openGrpc();
  const args = [pathOf("./python/trial.py"), pathOf("../../../proto"), `127.0.0.1:${opened.port}`];
  const child = spawn(PYTHON, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => output += chunk);
  }
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  assert.equal(code, 0, output);
  assert.equal(output.match(/^ok /gm)?.length, 12, output);
});
