/**
 * Callers at once, each of whom calls again when it has its answer.
 *
 * @module
 */
import { Latencies } from "./latencies.ts";

/** What callers came to. */
export interface Called {
  /** Calls a second, of all together. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * Lets callers call for so many seconds, each once at least.
 *
 * @param call is given a number that no other call has
 */
export async function callAll(
  call: (index: number) => unknown,
  { callers, seconds }: { callers: number; seconds: number },
): Promise<Called> {
  const latencies = new Latencies();
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const callOn = async (caller: number) => {
    let nowMs = startMs;
    for (let i = caller; nowMs < endMs; i += callers) {
      const calledMs = performance.now();
      await call(i);
      nowMs = performance.now();
      latencies.add(nowMs - calledMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => callOn(caller)));
  const passedMs = performance.now() - startMs;
  return { perSecond: latencies.count / passedMs * 1000, ...latencies.figures() };
}
