/** Starts a process that runs a query without an end, says so, and waits to be killed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { requestLine } from "../../server/query/protocol.ts";
import { workerCommand } from "../../server/query/worker_command.ts";

const CPU_SECONDS_MAX = 60;

const { program, words } = workerCommand(CPU_SECONDS_MAX);
const worker = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
const read = (sql: string) =>
  requestLine({ read: { sql, parameters: [], topics: [], rowsMax: 10, bytesMax: 1000 } });
worker.stdin.write(read("select 1"));
await once(worker.stdout, "data");
worker.stdin.write(
  read("with recursive t(x) as (select 1 union all select x + 1 from t) select max(x) from t"),
  () => console.log("busy"),
);
