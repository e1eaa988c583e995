import * as fs from "node:fs";
import * as os from "node:os";
import { join } from "node:path";

/** A folder that is gone at the end of the block: `await using dir = tempDir()`. */
export function tempDir(): AsyncDisposable & { readonly path: string } {
  const path = fs.mkdtempSync(join(os.tmpdir(), "seglog-test-"));
  return {
    path,
    [Symbol.asyncDispose]: () => {
      fs.rmSync(path, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}
