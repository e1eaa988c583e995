/** Makes the view of topic "t" of a folder, and says how far it is: to be killed while it does. */
import { join } from "node:path";
import process from "node:process";
import { loadSqlite } from "../../core/query/sqlite.ts";
import { TopicView } from "../../core/query/topic_view.ts";
import { Store } from "../../mod.ts";

const folder = process.argv[2]!;
await using store = await Store.open(folder, { readOnly: true });
const places = [() => join(folder, "t-0", "query.hint")];
const view = new TopicView(store, "t", { sqlite: await loadSqlite(), places });
let isDone = false;
const caughtUp = view.catchUp().finally(() => isDone = true);
while (!isDone) {
  process.stdout.write(`${view.progress.done}\n`);
  await new Promise((resolve) => setImmediate(resolve));
}
await caughtUp;
await view.close();
