/**
 * Opens a store and works on it until it is killed: `kill_writer.ts FOLDER NAME SEQUENCE`. Each line
 * of standard output is what was done, told before the process can die of what comes next.
 */
import * as fs from "node:fs";
import process from "node:process";
import { Store } from "../../mod.ts";
import { workload } from "./workload.ts";

const [folder, name, sequence] = process.argv.slice(2);
const store = await Store.open(folder!);
await workload(store, { name: name!, sequence: Number(sequence) }, (told) => {
  fs.writeSync(1, `${JSON.stringify(told)}\n`);
});
process.exit(1); // it works until it is killed
