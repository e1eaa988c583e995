/**
 * How long whatever is ready to run has to wait: work that holds the one thread delays all requests.
 *
 * @module
 */
import type { Metrics } from "./metrics.ts";

/** How often it is measured: a delay is met by a timer with a chance of its length by this. */
const INTERVAL_MS = 100;

/** Measures until the returned function is called. It keeps no process alive. */
export function watchEventLoop(metrics: Pick<Metrics, "delayed">): () => void {
  let dueMs = performance.now() + INTERVAL_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    metrics.delayed(Math.max(0, nowMs - dueMs));
    dueMs = nowMs + INTERVAL_MS;
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
