/**
 * K5: how long it takes from opening a store of many keys until the first get is answered: after its
 * process was killed right behind the last write, and after it was closed. As in W6, each opening is
 * a process of its own, and loading the code is not measured.
 *
 * @module
 */
import { KV_SYSTEMS } from "../kv/all.ts";
import { KEY_BYTES } from "../kv/keys.ts";
import type { Size, Workload } from "../workload.ts";
import { RESIDENT } from "./figures.ts";
import { OPENING_FIGURES, openTwice } from "./w6_open.ts";

export const k5: Workload = {
  name: "K5",
  title: "Opening until the first get",
  figures: [...OPENING_FIGURES, RESIDENT],
  systems: KV_SYSTEMS,
  cases: (size: Size) => {
    const keys = size === "short" ? 200_000 : 5_000_000;
    return [{ name: `${keys / 1e6} M keys of ${KEY_BYTES} bytes`, params: { keys } }];
  },
  startsPrograms: true,
  run: (job) => openTwice(job, { fill: "kv-fill", open: "kv-open" }),
};
