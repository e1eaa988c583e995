/** A member of a group in a process of its own: writes what it reads, a line each, and commits it. */
import * as fs from "node:fs";
import process from "node:process";
import { connect, GroupConsumer } from "../../mod.ts";

const [url, leaseMs] = process.argv.slice(2);
await using backend = await connect(url!);
await using consumer = await GroupConsumer.open(backend, "g", {
  topics: ["orders"],
  leaseMs: Number(leaseMs),
});
for await (const batch of consumer) {
  for (const record of batch) fs.writeSync(1, `${record.text}\n`);
  try {
    await consumer.commit();
  } catch { // another has it: it reads it again
  }
}
