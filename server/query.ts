/**
 * The query of a request, read strictly: what is misspelled is refused, not ignored.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";

/** A whole number, as text. */
export const WHOLE = /^\d{1,16}$/;
const DURATION = /^(\d{1,8})(ms|s)$/;

/** The parameters of one request. */
export class Query {
  readonly #values: ReadonlyMap<string, string>;

  /**
   * @param search the query as it came, without the question mark
   * @param names the parameters that there are
   * @throws {SeglogError} `invalid-argument` for other names, a repeated one, or bad encoding
   */
  constructor(search: string, names: readonly string[]) {
    this.#values = parse(search, names);
  }

  /** A parameter as it was given; `undefined` when it was not. */
  text(name: string): string | undefined {
    return this.#values.get(name);
  }

  /** A whole number from `least` to `most`. @throws {SeglogError} `invalid-argument` */
  whole(name: string, least: number, most: number): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const value = WHOLE.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw refused(name, text, `give a whole number from ${least} to ${most}`);
  }

  /** A time such as `5s` or `500ms`, in milliseconds. @throws {SeglogError} `invalid-argument` */
  duration(name: string, mostMs: number): number | undefined {
    const text = this.#values.get(name);
    if (text === undefined) return undefined;
    const match = DURATION.exec(text);
    const ms = match === null ? NaN : Number(match[1]) * (match[2] === "s" ? 1000 : 1);
    if (ms <= mostMs) return ms;
    throw refused(name, text, `give a time such as 5s or 500ms, at most ${mostMs / 1000}s`);
  }

  /** `true` or `false`; not given is false. @throws {SeglogError} `invalid-argument` */
  flag(name: string): boolean {
    const text = this.#values.get(name);
    if (text === undefined || text === "false") return false;
    if (text === "true") return true;
    throw refused(name, text, "give true or false");
  }
}

/** An offset that stands alone, as in a path. @throws {SeglogError} `invalid-argument` */
export function parseOffset(text: string): number {
  const offset = WHOLE.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(offset)) return offset;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use ${JSON.stringify(text.slice(0, 80))} as an offset: ` +
      `give a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
}

/** Percent-decoded text. @throws {SeglogError} `invalid-argument` where that is not UTF-8 */
export function decodePercent(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new SeglogError(
      "invalid-argument",
      `Cannot decode ${JSON.stringify(text.slice(0, 80))}: ` +
        "give percent-encoded UTF-8, with %25 for a percent sign",
      { cause },
    );
  }
}

function parse(search: string, names: readonly string[]): Map<string, string> {
  const values = new Map<string, string>();
  if (search === "") return values;
  for (const part of search.replaceAll("+", " ").split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decodePercent(equals < 0 ? part : part.slice(0, equals));
    if (!names.includes(name)) throw unknownName(name, names);
    if (values.has(name)) {
      throw new SeglogError("invalid-argument", `Cannot read the query: ${name} is given twice`);
    }
    values.set(name, equals < 0 ? "" : decodePercent(part.slice(equals + 1)));
  }
  return values;
}

function unknownName(name: string, names: readonly string[]): SeglogError {
  const shown = JSON.stringify(name.slice(0, 80));
  return new SeglogError(
    "invalid-argument",
    `Cannot use the query parameter ${shown}: here are ${names.join(", ")}`,
  );
}

function refused(name: string, text: string, advice: string): SeglogError {
  const shown = JSON.stringify(text.slice(0, 80));
  return new SeglogError("invalid-argument", `Cannot use ${name}=${shown}: ${advice}`, {
    details: { parameter: name },
  });
}
