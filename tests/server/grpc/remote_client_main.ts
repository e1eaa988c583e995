/** A client of gRPC in a process of its own, told by lines of JSON what to call: see `remoteClient`. */
import process from "node:process";
import * as readline from "node:readline";
import { grpcJs } from "./support.ts";
import type { RemoteCall, RemoteNews } from "./remote_client.ts";

const port = Number(process.argv[2]);

for await (const line of readline.createInterface({ input: process.stdin })) {
  void run(JSON.parse(line));
}
process.exit(); // with whatever is still open

async function run({ id, service, method, request, isStream }: RemoteCall): Promise<void> {
  const client = grpcJs(port, service);
  try {
    if (isStream) {
      for await (const message of client.open(method, request)) tell({ id, message });
    } else tell({ id, message: await client.call(method, request) });
    tell({ id });
  } catch (error) {
    tell({ id, code: (error as { code: number }).code });
  }
}

function tell(news: RemoteNews): void {
  console.log(JSON.stringify(news));
}
