/** Appends the numbers from 0 on to a log, each by itself: `outside_writer.ts FOLDER COUNT`. */
import process from "node:process";
import { Log } from "../../mod.ts";

const [folder, count] = process.argv.slice(2);
await using log = await Log.open(folder!, { segmentBytes: 4096 });
for (let i = 0; i < Number(count); i++) await log.append({ value: `${i}` });
