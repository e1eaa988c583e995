/**
 * The keywords that ask whether values are equal. Ajv's own compare each with each, and trip over
 * members such as `valueOf`.
 *
 * @module
 */
import { _, type Ajv, type KeywordCxt } from "ajv";
import { canonicalJson } from "./canonical.ts";
import type { WorkMeter } from "./work_meter.ts";

/** Steps that a character of a value costs that is compared with others. */
const EQUALITY_STEPS = 8;

/** Gives `const`, `enum` and `uniqueItems` to an Ajv. */
export function addEqualityKeywords(ajv: Ajv, meter: WorkMeter): void {
  const textOf = (value: unknown) => {
    const text = canonicalJson(value);
    meter.spend(1 + EQUALITY_STEPS * text.length);
    return text;
  };
  const listed: ReadonlySet<string>[] = [];
  // One function for all: Ajv takes time as the square of how many a schema needs.
  const isListed = (list: number, value: unknown) => listed[list]!.has(textOf(value));
  const areUnique = (items: readonly unknown[]) => {
    const seen = new Set<string>();
    return items.every((item) => seen.size < seen.add(textOf(item)).size);
  };
  const failUnlessListed = (cxt: KeywordCxt, values: readonly unknown[]) => {
    const list = listed.push(new Set(values.map(canonicalJson))) - 1;
    const ask = cxt.gen.scopeValue("func", { ref: isListed });
    cxt.fail(_`!${ask}(${list}, ${cxt.data})`);
  };
  for (const keyword of ["uniqueItems", "enum", "const"]) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    code(cxt: KeywordCxt) {
      if (cxt.schema !== true) return;
      const ask = cxt.gen.scopeValue("func", { ref: areUnique });
      cxt.fail(_`!${ask}(${cxt.data})`);
    },
    error: { message: "must not have duplicate items" },
  });
  ajv.addKeyword({
    keyword: "enum",
    schemaType: "array",
    code: (cxt: KeywordCxt) => failUnlessListed(cxt, cxt.schema),
    error: {
      message: "must be one of the listed values",
      params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
    },
  });
  ajv.addKeyword({
    keyword: "const",
    code: (cxt: KeywordCxt) => failUnlessListed(cxt, [cxt.schema]),
    error: {
      message: "must be the value that is given",
      params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}`,
    },
  });
}
