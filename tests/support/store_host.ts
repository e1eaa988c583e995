/**
 * A store in a process of its own, which does what it is told: a line of JSON for each request on
 * standard input, and one for each answer on standard output. See `remote_store.ts`.
 */
import * as fs from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { type RecordInput, SeglogError, Store, type StoreOptions } from "../../mod.ts";
import { findIn } from "../faults/oracle.ts";
import type { Answer, Asked } from "./remote_store.ts";

let store: Store | undefined;
const hoard: number[] = [];

/** What can be asked; the names are those of the store where it has them. */
const ACTIONS: Readonly<Record<string, (args: never) => unknown>> = {
  open: async ({ folder, options }: { folder: string; options: StoreOptions }) => {
    store = await Store.open(folder, options);
  },
  /** Several openers at once; who wins keeps the store. */
  contend: async ({ folder, times }: { folder: string; times: number }) => {
    const tries = await Promise.allSettled(Array.from({ length: times }, () => Store.open(folder)));
    return tries.map((one) => {
      if (one.status === "fulfilled") {
        store = one.value;
        return { code: "won" };
      }
      if (!(one.reason instanceof SeglogError)) throw one.reason;
      return { code: one.reason.code, holder: one.reason.details.holder };
    });
  },
  append: async ({ topic, records, options }: AppendArgs) => {
    const { start, end } = await opened().append(topic, records, options);
    return { start, end };
  },
  ensureTopic: ({ topic }: { topic: string }) => opened().ensureTopic(topic),
  deleteTopic: ({ topic }: { topic: string }) => opened().deleteTopic(topic),
  truncate: ({ topic, before }: { topic: string; before: number }) =>
    opened().truncate(topic, { before }),
  flush: ({ topic }: { topic: string }) => opened().flush(topic),
  find: async ({ topic }: { topic: string }) => {
    const { bounds, values } = await findIn(opened(), topic);
    return { bounds, values: [...values] };
  },
  close: () => store?.close(),
  /** What runs may be the child of what was started. */
  pid: () => process.pid,
  /** Opens files until there can be no more, but for a few. */
  hoard: ({ left }: { left: number }) => {
    try {
      for (;;) hoard.push(fs.openSync("/dev/null", "r"));
    } catch {
      for (let i = 0; i < left; i++) fs.closeSync(hoard.pop()!);
    }
    return hoard.length;
  },
  letGo: () => {
    while (hoard.length > 0) fs.closeSync(hoard.pop()!);
  },
};

interface AppendArgs {
  readonly topic: string;
  readonly records: readonly RecordInput[];
  readonly options?: Parameters<Store["append"]>[2];
}

function opened(): Store {
  if (store === undefined) throw new Error("no store is open");
  return store;
}

async function answer({ id, action, args }: Asked): Promise<Answer> {
  try {
    return { id, value: await ACTIONS[action]!(args as never) ?? null };
  } catch (error) {
    if (error instanceof SeglogError) return { id, code: error.code, message: error.message };
    return { id, fault: error instanceof Error ? `${error.stack}` : `${error}` };
  }
}

process.on("SIGXFSZ", () => {}); // as docs/library.md says
createInterface({ input: process.stdin }).on("line", (line) => {
  void answer(JSON.parse(line)).then((told) => fs.writeSync(1, `${JSON.stringify(told)}\n`));
}).on("close", () => process.exit(0));
