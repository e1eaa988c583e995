/**
 * What holds of each setting, and who said it: a flag before a variable, a variable before a file, a
 * file before the standard.
 *
 * @module
 */
import { findSimilar } from "@optique/core/suggestion";
import { messageOf } from "../../core/base/errors.ts";
import type { ShownSetting } from "../../server/exchange.ts";
import { isUrl } from "../connect.ts";
import { UsageError } from "../exit.ts";
import { withoutLogins } from "../without_logins.ts";
import type { ConfigFile } from "./config_file.ts";
import { readValue, writeValue } from "./read_value.ts";
import {
  type AnySetting,
  flagOf,
  type SettingTable,
  type ValuesOf,
  variableOf,
} from "./setting.ts";
import { SETTING_NAMES, type SettingName, SETTINGS, type SettingValues } from "./settings.ts";

/** Who said what holds. */
export type Source =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "file"; readonly path: string; readonly line: number }
  | { readonly kind: "standard" };

/** What holds of one setting. */
export interface Held<T> {
  readonly value: T;
  /** As it would be written. */
  readonly text: string;
  readonly source: Source;
}

/** What holds of every setting. */
export type HeldSettings = { readonly [Name in SettingName]: Held<SettingValues[Name]> };

/** Where settings are said. */
export interface Said {
  /** By flags, parsed already. */
  readonly flags: Partial<SettingValues>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: ConfigFile | undefined;
}

const STRENGTH = { flag: 3, variable: 2, file: 1, standard: 0 };

/** Variables that are no settings. */
const OTHER_VARIABLES = [
  "SEGLOG_CONFIG",
  "SEGLOG_DEBUG",
  "SEGLOG_TOKEN",
  "SEGLOG_TOKEN_FILE",
  "SEGLOG_CA_FILE",
  "SEGLOG_CERT_FILE",
  "SEGLOG_KEY_FILE",
  "SEGLOG_NATS_CREDS",
];

/** How strongly something is said: a flag before all else. */
export function strengthOf({ source }: Pick<Held<unknown>, "source">): number {
  return STRENGTH[source.kind];
}

/**
 * What holds, of all settings. Where the folder is said by `at` more strongly than by `data`, that is
 * what is served. Whoever says where to listen for HTTP gets that, and no other port unless they ask.
 *
 * @throws {UsageError} when a variable that would hold says something else than it may
 */
export function heldSettings(said: Said): HeldSettings {
  const names = Object.keys(SETTINGS) as (SettingName)[];
  const held = Object.fromEntries(names.map((name) => [name, heldOf(name, said)]));
  const { at, data, http, grpc } = held as HeldSettings;
  const isAtStronger = !isUrl(at.value) && strengthOf(at) > strengthOf(data);
  const isHttpOnly = strengthOf(http) > 0 && strengthOf(grpc) === 0;
  return {
    ...held as HeldSettings,
    ...isAtStronger ? { data: at } : {},
    ...isHttpOnly ? { grpc: { ...grpc, value: null, text: "none" } } : {},
  };
}

/** The values of the settings in a table. */
export function valuesIn<Table extends SettingTable>(
  table: Table,
  held: HeldSettings,
): ValuesOf<Table> {
  const all = held as unknown as Record<string, Held<unknown>>;
  return Object.fromEntries(
    Object.keys(table).map((name) => [name, all[name]!.value]),
  ) as unknown as ValuesOf<Table>;
}

/** Where every verb works: what `at` says, or what is served where only that is said. */
export function heldPlace(said: Said): string {
  const at = heldOf("at", said);
  return String((at.source.kind === "standard" ? heldInFile("data", said.file) ?? at : at).value);
}

/** All settings as they are shown: to whoever may look, and not with what is secret in an address. */
export function shownSettings(held: HeldSettings): ShownSetting[] {
  return [...SETTING_NAMES].map(([key, name]) => {
    const { text, source } = held[name];
    return { key, value: withoutLogins(text), from: describeSource(source) };
  });
}

/** `--http`, `variable PORT`, `seglog.yaml:3`, `default` */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "flag":
      return source.name;
    case "variable":
      return `variable ${source.name}`;
    case "file":
      return `${source.path}:${source.line}`;
    case "standard":
      return "default";
  }
}

/**
 * Variables with names like settings that are none. Only those that are meant for one, surely: where
 * many programs run, whoever starts them adds variables of such names.
 */
export function misspelledVariables(
  env: Readonly<Record<string, string | undefined>>,
): readonly { readonly name: string; readonly meant: string }[] {
  const known = new Set([
    ...Object.values(SETTINGS).map(({ key }) => variableOf(key)),
    ...OTHER_VARIABLES,
  ]);
  return Object.keys(env)
    .filter((name) => name.startsWith("SEGLOG_") && !known.has(name))
    .flatMap((name) => {
      const [meant] = findSimilar(name, known, { maxDistance: 2, maxDistanceRatio: 0.2 });
      return meant === undefined ? [] : [{ name, meant }];
    });
}

function heldOf(name: SettingName, { flags, env, file }: Said): Held<unknown> {
  const setting: AnySetting = SETTINGS[name];
  const flag = flags[name];
  if (flag !== undefined) {
    const source: Source = { kind: "flag", name: flagOf(setting.key) };
    return { value: flag, text: writeValue(setting, flag), source };
  }
  return heldInVariable(setting, env) ?? heldInFile(name, file) ?? standardOf(setting);
}

function heldInVariable(setting: AnySetting, env: Said["env"]): Held<unknown> | undefined {
  const own = variableOf(setting.key);
  const text = env[own];
  if (text !== undefined && text !== "") {
    const read = readValue(setting, text);
    if (!read.success) throw badVariable(own, setting, read.reason);
    return { value: read.value, text, source: { kind: "variable", name: own } };
  }
  const { other } = setting;
  const otherText = other === undefined ? undefined : env[other.name];
  if (other === undefined || otherText === undefined || otherText === "") return undefined;
  try {
    const value = other.parse(otherText);
    const source: Source = { kind: "variable", name: other.name };
    return { value, text: writeValue(setting, value), source };
  } catch (error) {
    throw badVariable(other.name, setting, messageOf(error));
  }
}

function heldInFile(
  name: SettingName,
  file: ConfigFile | undefined,
): Held<unknown> | undefined {
  const entry = file?.entries.get(SETTINGS[name].key);
  if (file === undefined || entry === undefined) return undefined;
  const { value, text, line } = entry;
  return { value, text, source: { kind: "file", path: file.path, line } };
}

function standardOf(setting: AnySetting): Held<unknown> {
  const text = setting.standard ?? "";
  const read = setting.standard === undefined ? undefined : readValue(setting, text);
  return { value: read?.success ? read.value : undefined, text, source: { kind: "standard" } };
}

function badVariable(name: string, setting: AnySetting, reason: string): UsageError {
  return new UsageError(
    `cannot use the variable ${name}: ${reason}; change it, or give ${flagOf(setting.key)}`,
  );
}
