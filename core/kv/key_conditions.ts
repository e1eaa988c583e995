/**
 * Writes that depend on their key.
 *
 * @module
 */
import { decodeUtf8 } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { Condition } from "./commit_queue.ts";
import type { KeyIndex } from "./key_index.ts";

/**
 * Refuses a write to a key that has not the revision that it should have; -1 stands for no value.
 *
 * @throws {SeglogError} `condition-failed`
 */
export function checkRevision(
  bucket: string,
  { key, expected, actual }: {
    readonly key: Uint8Array;
    readonly expected: number;
    readonly actual: number;
  },
): void {
  if (actual === expected) return;
  const text = JSON.stringify(decodeUtf8(key));
  const found = actual < 0
    ? "it has no value"
    : expected < 0
    ? `it has a value, of revision ${actual}`
    : `its revision is ${actual}, not ${expected}`;
  throw new SeglogError(
    "condition-failed",
    `Cannot write ${text} of "${bucket}": ${found}; read it again`,
    { details: { expected, actual } },
  );
}

/** Holds when a key has exactly one revision; -1 stands for no value. */
export class RevisionCondition implements Condition {
  readonly #key: Uint8Array;
  readonly #expected: number;
  readonly #index: KeyIndex;
  readonly #bucket: string;

  constructor(key: Uint8Array, expected: number, place: { index: KeyIndex; bucket: string }) {
    this.#key = key;
    this.#expected = expected;
    this.#index = place.index;
    this.#bucket = place.bucket;
  }

  /** @throws {SeglogError} `condition-failed` */
  check(): void {
    const actual = this.#index.revisionOf(this.#key);
    checkRevision(this.#bucket, { key: this.#key, expected: this.#expected, actual });
  }

  get keys(): Uint8Array[] {
    return [this.#key];
  }
}

/** There is nothing to delete. */
export class Absent extends Error {
  override readonly name = "Absent";
}

/** Holds when a key has a value: another deletion would be a record about nothing. */
export class PresenceCondition implements Condition {
  readonly #key: Uint8Array;
  readonly #index: KeyIndex;

  constructor(key: Uint8Array, index: KeyIndex) {
    this.#key = key;
    this.#index = index;
  }

  /** @throws {Absent} */
  check(): void {
    if (this.#index.revisionOf(this.#key) < 0) throw new Absent("the key has no value");
  }

  get keys(): Uint8Array[] {
    return [this.#key];
  }
}
