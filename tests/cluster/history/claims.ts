/**
 * What anybody said about which record is at which offset of a partition: an acknowledgement, a
 * reader, a follower. All have to say the same.
 */

/** Who said so. */
export interface Claim {
  readonly offset: number;
  readonly value: string;
  readonly by: string;
}

export class Claims {
  readonly #byOffset = new Map<number, Claim>();
  readonly #byValue = new Map<string, Claim[]>();
  /** What does not go together with what was said before. */
  readonly complaints: string[] = [];

  add(claim: Claim): void {
    const { offset, value, by } = claim;
    const before = this.#byOffset.get(offset);
    if (before === undefined) {
      this.#byOffset.set(offset, claim);
      const places = this.#byValue.get(value);
      if (places === undefined) this.#byValue.set(value, [claim]);
      else places.push(claim);
    } else if (before.value !== value) {
      this.complaints.push(
        `offset ${offset} is ${value} for ${by}, and ${before.value} for ${before.by}`,
      );
    }
  }

  /** Where a value is, or was, by anybody's word; the lowest offset first. */
  placesOf(value: string): readonly Claim[] {
    return (this.#byValue.get(value) ?? []).toSorted((a, b) => a.offset - b.offset);
  }

  /** All that was said, each offset once. */
  all(): Iterable<Claim> {
    return this.#byOffset.values();
  }
}
