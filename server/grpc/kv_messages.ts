/**
 * What messages say of keys and values, as the engine has it, and back.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { VALUE_TYPES, type ValueType } from "../../core/format/record.ts";
import type { KvEntry } from "../../core/kv/kv_entry.ts";
import type { WriteCondition } from "../entity_tags.ts";
import { checkedValue } from "../kv_value.ts";
import type {
  KvCondition,
  KvEntrySchema,
  KvValue,
  KvValueSchema,
} from "./generated/seglog/v1/kv_service_pb.js";
import { invalidMember, valueTypeOf, whole } from "./messages.ts";

/** A key with its value, which has this revision. */
export function entryMessage(
  entry: KvEntry,
  revision: number = entry.revision,
): MessageInitShape<typeof KvEntrySchema> {
  return {
    key: entry.key,
    value: entry.value as Uint8Array<ArrayBuffer>,
    type: VALUE_TYPES.indexOf(entry.type),
    revision: BigInt(revision),
    timestampMs: BigInt(entry.timestamp),
  };
}

/** A value by itself. */
export function valueMessage(
  { value, type }: Pick<KvEntry, "value" | "type">,
): MessageInitShape<typeof KvValueSchema> {
  return { value: value as Uint8Array<ArrayBuffer>, type: VALUE_TYPES.indexOf(type) };
}

/** A revision where there is one: before the first write, and of what did nothing, there is none. */
export function revisionMember(revision: number): { revision?: bigint } {
  return revision < 0 ? {} : { revision: BigInt(revision) };
}

/** A value to set. @throws {SeglogError} `invalid-argument`, `invalid-record` */
export function valueOf(
  value: KvValue | undefined,
  member = "value",
): { readonly value: Uint8Array; readonly type: ValueType } {
  if (value === undefined) throw invalidMember(member, "is missing");
  return checkedValue(value.value, valueTypeOf(value.type));
}

/** What must hold for a write. @throws {SeglogError} `invalid-argument` */
export function conditionOf(condition: KvCondition | undefined): WriteCondition {
  const { case: kind, value } = condition?.condition ?? { case: undefined };
  if (kind === "revision") return { ifRevision: whole(value, "condition.revision") };
  if (kind === "absent" && value) return { ifAbsent: true };
  if (kind === "present" && value) return { ifPresent: true };
  if (condition === undefined) return {};
  throw invalidMember("condition", "says nothing: give revision, or absent or present as true");
}
