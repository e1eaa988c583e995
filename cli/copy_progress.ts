/**
 * A line on standard error that says how much has been copied, where a person sees it.
 *
 * @module
 */
import type { Output } from "./output.ts";
import { formatBytes } from "./units.ts";

const REDRAW_MS = 100;

/** Draws the bytes copied so far, now and then, when standard error is a terminal. */
export function copyProgress(
  output: Output,
): { readonly show: (bytes: number) => void; readonly clear: () => void } {
  let drawnMs = Date.now();
  return {
    show(bytes) {
      const nowMs = Date.now();
      if (nowMs - drawnMs < REDRAW_MS) return;
      drawnMs = nowMs;
      output.status(`${formatBytes(bytes)} copied`);
    },
    clear: () => output.status(""),
  };
}
