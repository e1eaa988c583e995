/**
 * Looks at addresses and servers: whether a server could listen, and whether one answers.
 *
 * @module
 */
import { createServer } from "node:net";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { VERSION } from "../../core/base/version.ts";
import { openUrl } from "../connect.ts";
import type { Context } from "../grammar/verb.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

const ANSWER_MS = 5000;

/** An address to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whether a server could listen there, or a seglog server does. */
export async function checkAddress(what: string, address: Address): Promise<Finding[]> {
  const name = `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
  const problem = await listenProblem(address);
  if (problem === undefined) return [ok(what, `${name} is free`)];
  if (await isSeglog(`http://${name}`)) return [ok(what, `a seglog server listens on ${name}`)];
  const flag = `choose another with --${what}`;
  return [fail(what, `cannot listen on ${name}: ${problem}`, flag)];
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

async function isSeglog(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/openapi.json`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return (await response.json()).info?.title === "seglog";
  } catch {
    return false;
  }
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
