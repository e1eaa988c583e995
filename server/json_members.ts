/**
 * JSON bodies, member by member: each complaint tells which one is wrong.
 *
 * @module
 */
import { messageOf, SeglogError } from "../core/base/errors.ts";
import { arrayElements, sliceObject } from "../core/format/json_slices.ts";

/** A JSON object whose text is known, so that its values can be kept byte for byte. */
export class JsonMembers {
  /** Its place in the body, such as `operations[2]`; empty for the body itself. */
  readonly place: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #text: string;
  #slices: ReadonlyMap<string, string> | undefined;

  /** @param value what `text` was parsed to. @throws {SeglogError} `invalid-argument` for no object */
  constructor(value: unknown, text: string, place: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw wrong(place, "must be an object");
    }
    this.place = place;
    this.#values = value as Record<string, unknown>;
    this.#text = text;
  }

  /** Parses a whole body. @throws {SeglogError} `invalid-argument` */
  static parse(text: string): JsonMembers {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new SeglogError("invalid-argument", `Cannot read the body: ${messageOf(cause)}`, {
        cause,
      });
    }
    return new JsonMembers(value, text, "");
  }

  /** Refuses others than these. @throws {SeglogError} `invalid-argument` */
  only(...names: string[]): this {
    for (const name of Object.keys(this.#values)) {
      if (names.includes(name)) continue;
      throw wrong(this.#at(name.slice(0, 80)), `is not known: here are ${names.join(", ")}`);
    }
    return this;
  }

  /** A member as it was parsed; `undefined` when there is none. */
  get(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined;
  }

  /** The text of a member that is there. */
  slice(name: string): string {
    this.#slices ??= sliceObject(this.#text);
    return this.#slices.get(name)!;
  }

  /** Text that must be there. @throws {SeglogError} `invalid-argument` */
  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== "string") throw this.wrong(name, "must be a string");
    if (!value.isWellFormed()) throw this.wrong(name, "has half of a surrogate pair");
    return value;
  }

  /** Text that may be missing. @throws {SeglogError} `invalid-argument` */
  maybeText(name: string): string | undefined {
    return this.get(name) === undefined ? undefined : this.text(name);
  }

  /** A whole number that may be missing. @throws {SeglogError} `invalid-argument` */
  maybeWhole(name: string, least: number, most: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isRight = Number.isSafeInteger(value) && (value as number) >= least &&
      (value as number) <= most;
    if (!isRight) throw this.wrong(name, `must be a whole number from ${least} to ${most}`);
    return value as number;
  }

  /** The objects of an array; none when it is missing. @throws {SeglogError} `invalid-argument`, `too-large` */
  objects(name: string, most: number): JsonMembers[] {
    const value = this.get(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw this.wrong(name, "must be an array");
    if (value.length > most) {
      throw new SeglogError(
        "too-large",
        `Cannot take ${value.length} ${this.#at(name)}: ${most} are the most`,
        { details: { member: this.#at(name), limit: most } },
      );
    }
    const texts = [...arrayElements(this.slice(name))];
    return value.map((one, i) => new JsonMembers(one, texts[i]!, `${this.#at(name)}[${i}]`));
  }

  /** The error for a member that is not as it should be. */
  wrong(name: string, why: string): SeglogError {
    return wrong(this.#at(name), why);
  }

  #at(name: string): string {
    return this.place === "" ? name : `${this.place}.${name}`;
  }
}

function wrong(place: string, why: string): SeglogError {
  if (place === "") return new SeglogError("invalid-argument", `Cannot read the body: it ${why}`);
  return new SeglogError("invalid-argument", `Cannot read the body: ${place} ${why}`, {
    details: { member: place },
  });
}
