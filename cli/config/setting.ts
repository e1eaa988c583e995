/**
 * One setting, said once: its key in a file gives the flag and the variable their names, and one
 * parser reads what is written in any of the three.
 *
 * @module
 */
import type { Message } from "@optique/core/message";
import type { ValueParser } from "@optique/core/valueparser";

/** A setting of which something always holds, or, as `T | undefined`, perhaps nothing. */
export interface Setting<T> {
  /** Where it stands in a file: words in sections, with dots between them. */
  readonly key: string;
  /** Reads what was written, wherever it was. */
  readonly parser: ValueParser<"sync", NonNullable<T> | Extract<T, null>>;
  /** What it is, for help and for the example of a file. */
  readonly description: Message;
  /**
   * A `list` may be given by several flags, and as a list in a file; the flag of a `switch` has no value,
   * and says `true`.
   */
  readonly form?: "list" | "switch";
  /** Whether it names a file that nobody else may read. */
  readonly holdsSecret?: boolean;
  /** What holds where nothing is said, as it would be written. */
  readonly standard?: string;
  /** What might be written, where nothing holds unless it is. */
  readonly example?: string;
  /** A variable of another name that says the same, for what runs many programs alike. */
  readonly other?: OtherVariable<T>;
}

/** A variable that is weaker than the one that is named after the key. */
export interface OtherVariable<T> {
  readonly name: string;
  /** @throws {RangeError} which says what it takes */
  readonly parse: (text: string) => T;
}

/** Settings by the names that the program has for them. */
export type SettingTable = Readonly<Record<string, AnySetting>>;

// deno-lint-ignore no-explicit-any -- a parser both takes and gives its type
export type AnySetting = Setting<any>;

/** What the settings of a table are. */
export type ValuesOf<Table extends SettingTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never;
};

/** A setting of which `standard` holds where nothing is said. */
export function setting<T>(
  key: string,
  parts: {
    parser: ValueParser<"sync", T>;
    standard: string;
    description: Message;
    other?: OtherVariable<T>;
    form?: "list" | "switch";
  },
): Setting<T> {
  return { key, ...parts } as Setting<T>;
}

/** A setting of which nothing holds where nothing is said. */
export function optionalSetting<T>(
  key: string,
  parts: {
    parser: ValueParser<"sync", T>;
    example: string;
    description: Message;
    holdsSecret?: boolean;
  },
): Setting<T | undefined> {
  return { key, ...parts } as Setting<T | undefined>;
}

/** `--tls-client-ca` for `tls.client-ca` */
export function flagOf(key: string): `--${string}` {
  return `--${key.replaceAll(".", "-")}`;
}

/** `SEGLOG_TLS_CLIENT_CA` for `tls.client-ca` */
export function variableOf(key: string): string {
  return `SEGLOG_${key.replaceAll(/[.-]/g, "_").toUpperCase()}`;
}
