/**
 * When an append is acknowledged.
 *
 * @module
 */

/**
 * - `always`: when the record survives a loss of power (`fdatasync` returned).
 * - `interval:200ms`: when the operating system has it; a sync starts within the interval.
 * - `os`: when the operating system has it; synced at roll, flush and close.
 */
export type SyncMode = "always" | "os" | `interval:${string}`;

/** A {@linkcode SyncMode} taken apart. */
export type SyncPolicy =
  | { readonly kind: "always" }
  | { readonly kind: "os" }
  | { readonly kind: "interval"; readonly intervalMs: number };

const INTERVAL = /^interval:(\d{1,7})(ms|s)$/;

/** Takes `text` apart; `undefined` when it is not a sync mode. An interval is 1 ms at the least. */
export function parseSyncMode(text: string): SyncPolicy | undefined {
  if (text === "always" || text === "os") return { kind: text };
  const match = INTERVAL.exec(text);
  if (match === null) return undefined;
  const intervalMs = Number(match[1]) * (match[2] === "s" ? 1000 : 1);
  return intervalMs >= 1 ? { kind: "interval", intervalMs } : undefined;
}
