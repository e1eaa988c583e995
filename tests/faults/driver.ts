/**
 * A process that lives a store's life in FOLDER, and tells on standard output how each append ended:
 * `driver.ts FOLDER`. What it throws beside errors of ours ends it.
 */
import * as fs from "node:fs";
import process from "node:process";
import { SeglogError, Store } from "../../mod.ts";
import { findIn } from "./oracle.ts";

/** A line of what the driver tells. */
export interface Told {
  readonly values?: readonly string[];
  readonly start?: number;
  readonly end?: number;
  /** The code of the error that there was instead. */
  readonly code?: string;
  /** What was done that is no append. */
  readonly step?: string;
  /** What could be read at the end, and up to where it was durable. */
  readonly read?: { readonly values: readonly string[]; readonly durableOffset: number };
}

const ROUNDS = 12;
const CALLERS = 3;

async function live(folder: string): Promise<void> {
  let value = 0;
  let store: Store | undefined;
  const append = async (store: Store, padding: string) => {
    const values = [`${value++}`, `${value++}`];
    try {
      const records = values.map((value) => ({ key: padding, value }));
      const { start, end } = await store.append("t", records);
      tell({ values, start, end });
    } catch (error) {
      tell({ values, code: codeOf(error) });
    }
  };
  const step = async (name: string, run: () => Promise<unknown>) => {
    try {
      await run();
      tell({ step: name });
    } catch (error) {
      tell({ step: name, code: codeOf(error) });
    }
  };
  await step("open", async () => {
    store = await Store.open(folder, { defaults: { segmentBytes: 4096 } });
  });
  if (store === undefined) return;
  const opened = store;
  for (let round = 0; round < ROUNDS; round++) {
    const padding = "x".repeat(round % 3 === 2 ? 1000 : 10);
    await Promise.all(Array.from({ length: CALLERS }, () => append(opened, padding)));
    if (round === 5) await step("truncate", () => opened.truncate("t", { before: 4 }));
    if (round === 7) await step("create", () => opened.ensureTopic("u"));
    if (round === 8) await step("delete", () => opened.deleteTopic("u"));
  }
  await step("read", async () => {
    const { values, bounds } = await findIn(opened, "t");
    tell({ read: { values: [...values.values()], durableOffset: bounds.durableOffset } });
  });
  await step("close", () => opened.close());
}

function tell(told: Told): void {
  fs.writeSync(1, `${JSON.stringify(told)}\n`);
}

function codeOf(error: unknown): string {
  if (error instanceof SeglogError) return error.code;
  throw error;
}

if (import.meta.main) await live(process.argv[2]!);
