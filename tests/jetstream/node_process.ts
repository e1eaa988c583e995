/** A server over a cluster in a process of its own: says where it listens, and serves until it is killed. */
import * as fs from "node:fs";
import process from "node:process";
import { JetStreamBackend } from "../../jetstream/jetstream_backend.ts";
import { serve } from "../../server/listen.ts";

const [cluster, allowed] = process.argv.slice(2);
const backend = await JetStreamBackend.open(cluster!);
const server = await serve(backend, { port: 0, webhookAllow: [allowed!] });
fs.writeSync(1, `${server.url}\n`);
