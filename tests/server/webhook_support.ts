/** A server with one webhook, on a clock that a test moves. */
import type { Hono } from "hono";
import { type Backend, Store, type StoreOptions } from "../../mod.ts";
import { endOfTurn } from "../../core/base/turn.ts";
import { createService } from "../../server/app.ts";
import type { AppOptions } from "../../server/open_services.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { jsonOf, jsonRequest } from "./support.ts";
import { FakeReceiver } from "./webhook_receiver.ts";

export const HOOKS = "/v1/webhooks";
export const URL_OF_HOOK = "https://receiver.example/hook";
export const HOUR = 3_600_000;

/** A server with webhooks, and who receives what they deliver. */
export interface Opened extends AsyncDisposable {
  readonly app: Hono;
  readonly store: Store;
  readonly clock: FakeClock;
  readonly receiver: FakeReceiver;
  readonly notices: string[];
  /** Ends the service in good order, and begins another one over the same store. */
  restart(backend?: Backend): Promise<void>;
}

/** Starts one over a store in memory. */
export async function open(options: AppOptions & { store?: StoreOptions } = {}): Promise<Opened> {
  const store = await Store.memory(options.store);
  const clock = new FakeClock(Date.parse("2026-12-01T00:00:00Z"));
  const receiver = new FakeReceiver();
  const notices: string[] = [];
  const begin = (backend: Backend) =>
    createService(backend, {
      clock,
      webhookSender: receiver,
      onNotice: (notice) => notices.push(notice),
      ...options,
    });
  let service = begin(store);
  await service.start();
  return {
    get app() {
      return service.app;
    },
    ...{ store, clock, receiver, notices },
    async restart(backend = store) {
      await service.close();
      service = begin(backend);
      await service.start();
    },
    async [Symbol.asyncDispose]() {
      receiver.always = { status: 204 };
      for (const { answer } of receiver.seen) answer({ status: 204 });
      await service.close();
      await store.close();
    },
  };
}

/** Appends so many records. */
export async function fill(store: Store, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await store.append("orders", [{ key: `k${i % 2}`, value: "x" }]);
}

/** Makes the webhook, or another of it. */
// deno-lint-ignore no-explicit-any -- the shape is what the tests look at
export async function put(app: Hono, body: Record<string, unknown>, status = 201): Promise<any> {
  const whole = { topic: "orders", url: URL_OF_HOOK, ...body };
  return await jsonOf(await app.request(`${HOOKS}/hook`, jsonRequest("PUT", whole)), status);
}

/** The webhook as it is shown. */
// deno-lint-ignore no-explicit-any -- likewise
export async function show(app: Hono): Promise<any> {
  return await jsonOf(await app.request(`${HOOKS}/hook`));
}

/** Asks again until it is so; what is waited for happens without anybody telling. */
// deno-lint-ignore no-explicit-any -- likewise
export async function until(app: Hono, isSo: (hook: any) => boolean): Promise<any> {
  for (;;) {
    const hook = await show(app);
    if (isSo(hook)) return hook;
    await endOfTurn();
  }
}

/** Tells the webhook to do something. */
export async function post(app: Hono, verb: string, body: unknown = {}, status = 200) {
  return await jsonOf(
    await app.request(`${HOOKS}/hook/${verb}`, jsonRequest("POST", body)),
    status,
  );
}
