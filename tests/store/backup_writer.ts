/**
 * Does all that an owner may do, without end: appends, rolls, truncates at both ends, retains,
 * makes and deletes topics. Each record of "stream" holds its own offset; that is printed when it
 * is acknowledged: `backup_writer.ts FOLDER`.
 */
import * as fs from "node:fs";
import process from "node:process";
import { Store } from "../../mod.ts";

const [folder] = process.argv.slice(2);
const store = await Store.open(folder!, { defaults: { segmentBytes: 4096 } });
await store.ensureTopic("stream");
await store.ensureTopic("kept", { partitions: 2, retentionRecords: 20 });
const pad = "x".repeat(200);
for (let round = 0;; round++) {
  const { logStartOffset, nextOffset } = await store.bounds("stream");
  const records = Array.from({ length: 1 + round % 3 }, (_, i) => ({
    value: `${nextOffset + i} ${pad}`,
  }));
  await store.append("stream", records, { expectedOffset: nextOffset });
  fs.writeSync(1, `${nextOffset + records.length - 1}\n`);
  await store.append("kept", [{ value: `${round} ${pad}` }], { partition: round % 2 });
  if (round % 17 === 0) await store.truncate("stream", { after: nextOffset });
  if (round % 23 === 0) {
    await store.truncate("stream", { before: Math.max(logStartOffset, nextOffset - 200) });
  }
  if (round % 5 === 0) await store.append("passing", [{ value: pad }]);
  if (round % 15 === 14) await store.deleteTopic("passing");
}
