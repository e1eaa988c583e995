/**
 * All settings of a server, by name and by key.
 *
 * @module
 */
import { LIMIT_SETTINGS } from "./limit_settings.ts";
import { LOG_SETTINGS } from "./log_settings.ts";
import { PROTECTION_SETTINGS } from "./protection_settings.ts";
import { PLACE_SETTINGS, SERVER_SETTINGS } from "./server_settings.ts";
import type { AnySetting, ValuesOf } from "./setting.ts";
import { TOPIC_SETTINGS } from "./topic_settings.ts";

/** By the names that the program has for them. */
export const SETTINGS = {
  ...PLACE_SETTINGS,
  ...SERVER_SETTINGS,
  ...LOG_SETTINGS,
  ...PROTECTION_SETTINGS,
  ...LIMIT_SETTINGS,
  ...TOPIC_SETTINGS,
};

/** What all of them are. */
export type SettingValues = ValuesOf<typeof SETTINGS>;

/** The name of one of them. */
export type SettingName = keyof SettingValues;

/** Their names by their keys: those without a section first, and each section in one piece. */
export const SETTING_NAMES: ReadonlyMap<string, SettingName> = new Map(inSections());

/** The same settings by their keys. */
export const SETTINGS_BY_KEY: ReadonlyMap<string, AnySetting> = new Map(
  [...SETTING_NAMES].map(([key, name]) => [key, SETTINGS[name]]),
);

/** `limits` and `body-bytes` of `limits.body-bytes` */
export function splitKey(key: string): [section: string, name: string] {
  const dot = key.lastIndexOf(".");
  return dot < 0 ? ["", key] : [key.slice(0, dot), key.slice(dot + 1)];
}

function inSections(): [key: string, name: SettingName][] {
  const names = Object.keys(SETTINGS) as SettingName[];
  const sectionOf = (name: SettingName) => splitKey(SETTINGS[name].key)[0];
  const sections = new Set(["", ...names.map(sectionOf)]);
  return [...sections].flatMap((section) =>
    names.filter((name) => sectionOf(name) === section)
      .map((name): [string, SettingName] => [SETTINGS[name].key, name])
  );
}
