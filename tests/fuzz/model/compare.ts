/** A record of a backend, as the model has it. */
import type { LogRecord } from "../../../mod.ts";
import type { ModelRecord } from "./model.ts";

export function asModelled(record: LogRecord): ModelRecord {
  const { offset, timestamp, keyText: key, value, text, headers } = record;
  return { offset, timestamp, key, value: value === null ? null : text, headers: { ...headers } };
}
