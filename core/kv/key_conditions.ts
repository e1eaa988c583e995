/**
 * Writes that depend on their key.
 *
 * @module
 */
import { decodeUtf8, equalBytes } from "../base/bytes.ts";
import { SeglogError } from "../base/errors.ts";
import type { Condition } from "./commit_queue.ts";
import type { KeyIndex } from "./key_index.ts";

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
    const expected = this.#expected;
    if (actual === expected) return;
    const key = JSON.stringify(decodeUtf8(this.#key));
    const found = actual < 0 ? "it has no value" : `its revision is ${actual}`;
    const wanted = expected < 0 ? "" : `, not ${expected}`;
    throw new SeglogError(
      "condition-failed",
      `Cannot write ${key} of "${this.#bucket}": ${found}${wanted}; read it again`,
      { details: { expected, actual } },
    );
  }

  concerns(key: Uint8Array): boolean {
    return equalBytes(key, this.#key);
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

  concerns(key: Uint8Array): boolean {
    return equalBytes(key, this.#key);
  }
}
