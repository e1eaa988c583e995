/**
 * Reads what is written of a setting, and says in plain words what is wrong with it.
 *
 * @module
 */
import { formatMessage } from "@optique/core/message";
import type { AnySetting } from "./setting.ts";

/** A value, or why there is none. */
export type ReadValue =
  | { readonly success: true; readonly value: unknown }
  | { readonly success: false; readonly reason: string };

/** The value of a setting that is written like this. */
export function readValue(setting: AnySetting, text: string): ReadValue {
  const result = setting.parser.parse(text);
  if (result.success) return { success: true, value: result.value };
  const reason = formatMessage(result.error).replace(/\s+/g, " ").replace(/`/g, '"');
  return { success: false, reason: reason.replace(/\.$/, "") };
}

/** A value as it would be written. */
export function writeValue(setting: AnySetting, value: unknown): string {
  return setting.parser.format(value);
}
