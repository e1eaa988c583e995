/**
 * Appends numbered records to the topic "stream" of a store without end, several at a time, and
 * prints each offset once it is acknowledged: `stream_writer.ts FOLDER SYNC`.
 */
import * as fs from "node:fs";
import process from "node:process";
import { Store, type SyncMode } from "../../mod.ts";

const [folder, sync] = process.argv.slice(2);
const store = await Store.open(folder!, { defaults: { segmentBytes: 65_536 } });
const { nextOffset } = await store.ensureTopic("stream").then(() => store.bounds("stream"));
let next = nextOffset;

async function appendForEver(): Promise<void> {
  for (;;) {
    const value = `record ${next++} ${"x".repeat(100)}`;
    const { start } = await store.append("stream", [{ value }], { sync: sync as SyncMode });
    fs.writeSync(1, `${start}\t${value}\n`); // it is told before the process can die
  }
}

await Promise.all(Array.from({ length: 8 }, appendForEver));
