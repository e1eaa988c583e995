/** A disk whose sync takes for ever: what waits for it is bounded, and who comes then is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { Store } from "../../mod.ts";
import { PENDING_BYTES_MAX } from "../../core/base/limits.ts";
import { serve } from "../../server/listen.ts";
import { TrickDisk } from "../support/trick_disk.ts";
import { jsonOf, overriding, post, problemOf } from "./support.ts";

const RECORDS = "/v1/topics/t/records";
const VALUE_BYTES = 15 * 1024 * 1024;

test("appends beyond what may wait for a slow sync are told to come again, and all is well after", async () => {
  const disk = new TrickDisk();
  await using store = await Store.open("/store", { disk });
  await store.append("t", [{ value: "0" }]);
  let onQueued = () => {};
  const watched = overriding(store, {
    append(...args: Parameters<Store["append"]>) {
      const appending = store.append(...args);
      let isRefused = false;
      appending.catch(() => isRefused = true);
      setImmediate(() => isRefused || onQueued());
      return appending;
    },
  });
  await using server = await serve(watched, { port: 0 });
  let letGo = () => {};
  const isHeld = new Promise<void>((held) => {
    disk.holdSync = () =>
      new Promise((resolve) => {
        letGo = resolve;
        held();
      });
  });
  const body = new Uint8Array(VALUE_BYTES);
  const append = (body: Uint8Array) =>
    fetch(server.url + RECORDS, post("application/octet-stream", body));
  const isFirstQueued = new Promise<void>((resolve) => onQueued = resolve);
  const first = append(new Uint8Array(1));
  await Promise.all([isHeld, isFirstQueued]);
  const waiting: Promise<Response>[] = [];
  let refused: Response | undefined;
  while (refused === undefined) { // one after another
    const isQueued = new Promise<void>((resolve) => onQueued = resolve);
    const next = append(body);
    refused = await Promise.race([next, isQueued]) ?? undefined;
    if (refused === undefined) waiting.push(next);
  }
  const problem = await problemOf(refused, 503, "overloaded");
  assert.equal(problem.retryable, true);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  const pendingBytes = Number(problem.pendingBytes);
  assert.ok(
    pendingBytes >= PENDING_BYTES_MAX && pendingBytes < PENDING_BYTES_MAX + 2 * VALUE_BYTES,
  );
  assert.equal(await (await fetch(`${server.url}/livez`)).text(), '{"status":"ok"}');
  disk.holdSync = () => Promise.resolve();
  letGo();
  const answers = await Promise.all([first, ...waiting]);
  const ends = await Promise.all(answers.map((answer) => jsonOf<{ end: number }>(answer)));
  assert.deepEqual(ends.map(({ end }) => end), ends.map((_, i) => i + 2));
  const last = await jsonOf<{ end: number }>(await append(new Uint8Array(1)));
  assert.equal(last.end, ends.length + 2);
});
