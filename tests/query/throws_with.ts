/** Expects an error of this code, and this message. */
import assert from "node:assert/strict";
import { SeglogError } from "../../mod.ts";

export function throwsWith(code: string, message: RegExp, run: () => unknown): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof SeglogError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}

export async function rejects(
  code: string,
  message: RegExp,
  promise: Promise<unknown>,
): Promise<SeglogError> {
  let told: SeglogError | undefined;
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof SeglogError, String((error as Error)?.stack ?? error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    told = error;
    return true;
  });
  return told!;
}
