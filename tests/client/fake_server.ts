/** A `fetch` that a test answers. */
import { connect, type ConnectOptions, type HttpBackend } from "../../mod.ts";

export interface FakeCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly signal: AbortSignal;
}

/** Answers a call, or throws as a connection does that fails. */
export type FakeServer = (call: FakeCall) => Response | Promise<Response>;

const ABOUT = {
  name: "seglog",
  kind: "memory",
  canWrite: true,
  canTruncateAfter: true,
  batchFormat: 1,
};

/** A backend whose server is `answer`, and the calls that it made after connecting. */
export async function fakeBackend(
  answer: FakeServer,
  options: ConnectOptions = {},
): Promise<{ backend: HttpBackend; calls: FakeCall[] }> {
  const calls: FakeCall[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    const { pathname, search } = new URL(url);
    if (pathname === "/v1") return Response.json(ABOUT);
    const call = {
      method: init.method!,
      path: pathname + search,
      headers: new Headers(init.headers),
      signal: init.signal!,
    };
    calls.push(call);
    return await answer(call);
  };
  return { backend: await connect("http://fake.example", { ...options, fetch }), calls };
}

/** What a runtime throws when nothing listens. */
export function refused(): Error {
  return new TypeError("fetch failed", {
    cause: Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }),
  });
}

/** What a runtime throws when the connection is lost. */
export function lost(): Error {
  return new TypeError("fetch failed", {
    cause: Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" }),
  });
}

/** An answer that never comes, but ends with its request. */
export function never({ signal }: FakeCall): Promise<Response> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

export function problem(status: number, code: string, details = {}): Response {
  const retryable = status === 503;
  const body = { type: "x", title: "x", status, detail: `it is ${code}`, code, retryable };
  return new Response(JSON.stringify({ ...body, ...details }), {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}

export const APPENDED = { topic: "orders", partition: 0, start: 0, end: 1, durable: true };
