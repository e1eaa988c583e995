/** What has to end, and is not waited for when it does not. */

/** @throws an error that is none of ours when the time is over */
export async function inTime<T>(
  run: () => Promise<T>,
  { name, limitMs }: { name: string; limitMs: number },
): Promise<T> {
  if (limitMs === Infinity) return await run();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} took more than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
