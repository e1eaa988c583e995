const STARTS_MAX = 10;

/** Starts something that listens, and anew when another process has taken its port meanwhile. */
export async function untilBound<T>(start: () => Promise<T>): Promise<T> {
  for (let i = 1;; i++) {
    try {
      return await start();
    } catch (error) {
      const isTaken = /address already in use/.test((error as Error).message);
      if (!isTaken || i === STARTS_MAX) throw error;
    }
  }
}
