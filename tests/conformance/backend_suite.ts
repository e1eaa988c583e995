/**
 * What every backend does, whatever is behind it: one suite, run against each of them.
 */
import { test } from "node:test";
import type { Backend } from "../../mod.ts";
import type { Cannot } from "../support/cannot.ts";
import { appendSuite } from "./append_suite.ts";
import { closeSuite } from "./close_suite.ts";
import { followSuite } from "./follow_suite.ts";
import { readSuite } from "./read_suite.ts";
import { topicsSuite } from "./topics_suite.ts";
import { truncateSuite } from "./truncate_suite.ts";
import type { Promised } from "./promised.ts";

/** A fresh, empty backend, and how to be rid of it. */
export type OpenBackend = () => Promise<AsyncDisposable & { readonly backend: Backend }>;

/** Runs the suite against one kind of backend. */
export function backendSuite(name: string, openBackend: OpenBackend, cannot: Cannot = {}): void {
  const promise: Promised = (what, run, skip) =>
    void test(what, { skip: skip ?? false }, async () => {
      await using opened = await openBackend();
      await run(opened.backend);
    });
  topicsSuite(name, promise);
  appendSuite(name, promise);
  readSuite(name, promise);
  followSuite(name, promise);
  truncateSuite(name, promise, cannot);
  closeSuite(name, promise);
}
