/** What tests wait for that nobody tells of. */
import { setTimeout as delay } from "node:timers/promises";

/** What anything may take that comes, however busy the machine is. */
export const PATIENCE_MS = 60_000;
const LOOK_MS = 1;
const TRY_AGAIN_MS = 20;

/** Resolves when something is so; what makes it so runs meanwhile. @throws when it takes too long */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!await isSo()) {
    if (performance.now() > endMs) throw new Error(`It is not so after ${PATIENCE_MS} ms: ${isSo}`);
    await delay(LOOK_MS);
  }
}

/** What an attempt gives that is made until it does not fail. @throws what the last one did */
export async function atLast<T>(attempt: () => Promise<T>): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(TRY_AGAIN_MS);
    }
  }
}
