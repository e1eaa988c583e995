/** Sends a webhook to each URL that it is given, whose names are all this machine's: tells what came. */
import process from "node:process";
import { AddressPolicy } from "../../server/webhooks/address_policy.ts";
import { HttpSender } from "../../server/webhooks/http_sender.ts";

const sender = new HttpSender({
  policy: new AddressPolicy(["hook.example", "127.0.0.0/8"]),
  timeoutMs: 60_000,
  resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
});
const { signal } = new AbortController();
const body = new TextEncoder().encode("[]");
for (const url of process.argv.slice(2)) {
  const { status } = await sender.send({ url: new URL(url), headers: {}, body, signal });
  console.log(status ?? "failed");
}
