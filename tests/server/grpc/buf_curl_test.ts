/** A client in Go: `buf curl`, which knows of the server only what reflection tells. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openGrpc } from "./support.ts";

const BUF = join(fileURLToPath(new URL("../../../", import.meta.url)), "node_modules/.bin/buf");
const run = promisify(execFile);

test("buf curl finds out what is served, and calls it", {
  skip: fs.existsSync(BUF) ? false : "buf is not installed",
}, async () => {
  await using opened = await openGrpc();
  const curl = async (...args: string[]) => {
    const { stdout } = await run(BUF, [
      ...["curl", "--http2-prior-knowledge", "--protocol", "grpc", ...args],
    ]);
    return stdout;
  };
  const methods = await curl("--list-methods", opened.url);
  assert.match(methods, /^seglog\.v1\.IngestionService\/IngestStream$/m);
  const records = [{ value: btoa("hello"), type: "TEXT" }];
  const path = `${opened.url}/seglog.v1.LogService`;
  await curl("-d", JSON.stringify({ topic: "t", records }), `${path}/Produce`);
  assert.equal((await opened.store.read("t", 0)).text, "hello");
  const page = JSON.parse(await curl("-d", '{"topic":"t"}', `${path}/Consume`));
  assert.deepEqual([page.records[0].value, page.next], [btoa("hello"), "1"]);
  const error = await curl("-d", '{"topic":"none"}', `${path}/Consume`).catch((error) => error);
  assert.match(error.stderr, /"not_found"/);
});
