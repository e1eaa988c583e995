/** Somebody who guesses tokens: 401 each time, and nobody else notices, the log least of all. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { runCli } from "../../cli/run_cli.ts";
import { grpcJs } from "../grpc/support.ts";
import { tempDir } from "../../support/temp_dir.ts";
import { abusedServer } from "./abused_server.ts";
import { openRaw, statusesOf } from "./raw_abuse.ts";

const GUESSES = 10_000;

function guess(): string {
  return `seglog_${randomBytes(6).toString("hex")}_${randomBytes(32).toString("base64url")}`;
}

async function ownToken(at: string, name: string): Promise<{ token: string }> {
  const { out, err } = await runCli(["token", "create", name, "--grant", "admin"], { at });
  assert.match(out, /^seglog_/, err);
  return { token: out.trim() };
}

test("10,000 wrong tokens are 401 each, others are answered meanwhile, and the log stays short", async () => {
  await using dir = tempDir();
  const { token } = await ownToken(dir.path, "ops");
  await using server = await abusedServer({ data: dir.path, token, hasGrpc: true });
  const id = token.split("_")[1]!;
  const base = server.forgetPeak();
  const perConnection = GUESSES / 10;
  const guessing = Promise.all(Array.from({ length: 10 }, async (_, connection) => {
    const socket = await openRaw(server);
    let answer = "";
    socket.on("data", (piece: Uint8Array) => answer += String(piece));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    for (let i = 0; i < perConnection; i++) {
      const isLast = i === perConnection - 1;
      // One connection knows an id, and guesses the secret.
      const shown = connection === 0
        ? `seglog_${id}_${randomBytes(32).toString("base64url")}`
        : guess();
      socket.write(
        `GET /v1/topics HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${shown}\r\n` +
          `${isLast ? "Connection: close\r\n" : ""}\r\n`,
      );
    }
    await closed;
    return statusesOf(answer);
  }));
  let isOver = false;
  void guessing.finally(() => isOver = true);
  let others = 0;
  for (; !isOver; others++) await server.expectUnharmed();
  assert.ok(others >= 1);
  for (const statuses of await guessing) {
    assert.equal(statuses.length, perConnection);
    assert.ok(statuses.every((status) => status === 401));
  }
  assert.ok(server.cli.text().length < 2000, server.cli.text().slice(0, 4000));
  await server.expectBounded(base);
});

test("guessing where only operators may is 401 each, and fills the log no more", async () => {
  await using dir = tempDir();
  const { token } = await ownToken(dir.path, "ops");
  await using server = await abusedServer({ data: dir.path, token });
  const paths = ["/v1/admin/compact", "/v1/tokens", "/v1/tenants/x", "/v1/topics/a"];
  for (let i = 0; i < 50; i++) {
    const answers = await Promise.all(
      paths.flatMap((path) =>
        ["POST", "PUT", "DELETE", "PATCH"].map(async (method) => {
          const headers = { authorization: `Bearer ${guess()}` };
          const response = await fetch(server.url + path, { method, headers });
          await response.body?.cancel();
          return response.status;
        })
      ),
    );
    assert.ok(
      answers.every((status) => status === 401 || status === 404 || status === 405),
      `${answers}`,
    );
  }
  const lines = server.cli.text().split("\n");
  assert.ok(lines.length < 40, `${lines.length} lines: ${lines.slice(0, 5).join("\n")}`);
  assert.match(server.cli.text(), /audit: strangers tried 100 times within a minute/);
  await server.expectUnharmed();
});

test("wrong tokens over gRPC are UNAUTHENTICATED each", async () => {
  await using dir = tempDir();
  const { token } = await ownToken(dir.path, "ops");
  await using server = await abusedServer({ data: dir.path, token, hasGrpc: true });
  using log = grpcJs(server.grpcPort, "seglog.v1.LogService");
  const calls = Array.from({ length: 500 }, () => log.call("Consume", { topic: "unharmed" }));
  const answers = await Promise.allSettled(calls);
  assert.ok(answers.every((answer) => answer.status === "rejected" && answer.reason.code === 16));
  assert.ok(server.cli.text().length < 2000);
  await server.expectUnharmed();
});
