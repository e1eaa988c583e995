/**
 * The flags of settings, as `serve` and `config show` take them.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { type Message, text } from "@optique/core/message";
import { map, multiple, optional } from "@optique/core/modifiers";
import type { Parser } from "@optique/core/parser";
import { option } from "@optique/core/primitives";
import {
  type AnySetting,
  flagOf,
  type SettingTable,
  type ValuesOf,
  variableOf,
} from "./setting.ts";

/** What flags say: nothing of a setting whose flag is not there. */
export type Flagged<Table extends SettingTable> = {
  readonly [Name in keyof Table]?: ValuesOf<Table>[Name] | undefined;
};

/** A parser for the flags of the settings in a table. */
export function settingFlags<Table extends SettingTable>(
  table: Table,
): Parser<"sync", Flagged<Table>, unknown> {
  const flags = Object.entries(table).map(([name, setting]) => [name, flagParser(setting)]);
  return object(Object.fromEntries(flags)) as unknown as Parser<"sync", Flagged<Table>, unknown>;
}

function flagParser(setting: AnySetting): Parser<"sync", unknown, unknown> {
  const flag = flagOf(setting.key);
  const help = { description: helpOf(setting) };
  switch (setting.form) {
    case "list":
      return map(
        multiple(option(flag, setting.parser, help)),
        (lists) => lists.length === 0 ? undefined : lists.flat(),
      );
    case "switch":
      return map(option(flag, help), (isGiven) => isGiven || undefined);
    case undefined:
      return optional(option(flag, setting.parser, help));
  }
}

/** What it is, the variable that says it too, and what holds unless it is said. */
function helpOf(setting: AnySetting): Message {
  const { key, standard, description, form } = setting;
  const otherwise = standard === undefined || standard === "" || form === "switch"
    ? ""
    : `; ${standard} unless given`;
  return [...description, text(` ${variableOf(key)}${otherwise}.`)];
}
