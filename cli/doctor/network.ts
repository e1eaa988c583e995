/**
 * Looks at addresses and servers: whether a server could listen, and whether one answers.
 *
 * @module
 */
import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { VERSION } from "../../core/base/version.ts";
import { openToRead, openUrl } from "../connect.ts";
import { countOf } from "../units.ts";
import type { Context } from "../grammar/verb.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

const ANSWER_MS = 5000;

/** An address to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a server would listen. */
export interface Addresses {
  readonly http: Address;
  readonly grpc: Address | null;
  readonly hasTls: boolean;
}

/** Whether a server could listen there, or a seglog server does. */
export async function checkAddresses(
  { http: address, grpc, hasTls }: Addresses,
): Promise<Finding[]> {
  const problem = await listenProblem(address);
  const isServed = problem !== undefined && await isSeglog(address, hasTls);
  const findings = [findingOf("http", address, { problem, isServed })];
  if (grpc === null) return findings;
  // It tells nothing of itself to whoever has no call for it; but it comes with the other one.
  return [...findings, findingOf("grpc", grpc, { problem: await listenProblem(grpc), isServed })];
}

function findingOf(
  what: "http" | "grpc",
  address: Address,
  { problem, isServed }: { readonly problem: string | undefined; readonly isServed: boolean },
): Finding {
  const name = nameOf(address);
  if (problem === undefined) return ok(what, `${name} is free`);
  if (isServed) return ok(what, `a seglog server listens on ${name}`);
  return fail(what, `cannot listen on ${name}: ${problem}`, `choose another with --${what}`);
}

/** Whether a cluster answers at the URL, with a leader for what is asked. */
export async function checkCluster(context: Context): Promise<Finding[]> {
  try {
    await using backend = await openToRead(context);
    const topics = await backend.listTopics();
    return [
      ok("cluster", `it answers, with JetStream, and lists ${countOf(topics.length, "topic")}`),
    ];
  } catch (error) {
    return [fail("cluster", messageOf(error), "see whether its servers run, and where")];
  }
}

/** Whether a server answers at the URL, is ready, and is of this version. */
export async function checkServer(context: Context): Promise<Finding[]> {
  const { at } = context;
  try {
    await using backend = await openUrl(context);
    const { version } = await backend.api.get<{ version: string }>("/v1");
    await backend.api.get("/readyz");
    const says = `${at} answers, is ready, and has version ${version}`;
    if (version === VERSION) return [ok("server", says)];
    return [warn("server", says, `this program has version ${VERSION}: bring both to the same`)];
  } catch (error) {
    const isKept = error instanceof SeglogError &&
      (error.code === "unauthenticated" || error.code === "forbidden");
    if (!isKept) return [fail("server", messageOf(error), "see whether it runs, and where")];
    if (await isReady(at)) {
      return [
        ok("server", `${at} answers and is ready; what else it is, it tells only who is known`),
      ];
    }
    return [fail("server", `${at} answers, and is not ready`, "see what the server says")];
  }
}

function listenProblem({ host, port }: Address): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? messageOf(error)));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

/** Nothing is shown to it, so it need not prove who it is. */
function isSeglog(address: Address, hasTls: boolean): Promise<boolean> {
  const url = `${hasTls ? "https" : "http"}://${nameOf(address)}/openapi.json`;
  const get = hasTls ? https.get : http.get;
  return new Promise((resolve) => {
    const options = { rejectUnauthorized: false, timeout: ANSWER_MS };
    const request = get(url, options, (response) => {
      resolve(text(response).then((body) => JSON.parse(body).info?.title === "seglog"));
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(false));
  }).then((isIt) => isIt === true, () => false);
}

function nameOf({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

async function isReady(url: string): Promise<boolean> {
  try {
    const target = new URL("readyz", url.endsWith("/") ? url : `${url}/`);
    const response = await fetch(target, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
