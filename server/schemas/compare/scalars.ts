/**
 * Numbers and texts: whether what is known of them is as tight as what a schema asks for.
 *
 * @module
 */
import { type Gap, gapAt } from "./asking.ts";
import type { Facts, ObjectNode } from "./facts.ts";
import { kindsOf, kindWords } from "./kinds.ts";

/** Up to here, whole numbers and their quotients are exact. */
const EXACT_MAX = 2 ** 31;

/** Where numbers end. */
interface End {
  readonly value: number;
  readonly isExclusive: boolean;
}

/** Gaps of `type`. */
export function typeGap(facts: Facts, node: ObjectNode): Gap | undefined {
  const allowed = kindsOf(node);
  const others = [...facts.kinds].filter((kind) => !allowed.has(kind));
  if (others.length === 0) return undefined;
  return gapAt(
    node,
    "type",
    `it takes ${kindWords(allowed)}, and documents may have ${kindWords(others)}`,
  );
}

/** Gaps of the keywords for numbers. */
export function numberGap(facts: Facts, node: ObjectNode, keyword: string): Gap | undefined {
  if (!facts.kinds.has("integer") && !facts.kinds.has("fraction")) return undefined;
  const limit = node.schema[keyword] as number;
  if (keyword === "multipleOf") {
    if (areMultiples(facts, limit)) return undefined;
    return gapAt(node, keyword, `it takes multiples of ${limit}, and documents may have others`);
  }
  const isUpper = keyword.endsWith("aximum");
  const end = endOf(facts, isUpper);
  const beyond = end === undefined ? undefined : isUpper ? limit - end.value : end.value - limit;
  const isExclusive = keyword.startsWith("exclusive");
  const isCovered = beyond !== undefined &&
    (beyond > 0 || (beyond === 0 && (!isExclusive || end!.isExclusive)));
  if (isCovered) return undefined;
  const found = end === undefined ? "any number" : `numbers up to ${end.value}`;
  const words = isUpper ? found : found.replace("up to", "down to");
  return gapAt(node, keyword, `it says ${limit}, and documents may have ${words}`);
}

/** The tightest end that is known. */
function endOf(facts: Facts, isUpper: boolean): End | undefined {
  const isWhole = !facts.kinds.has("fraction");
  let tightest: End | undefined;
  for (const { schema } of facts.nodes) {
    const [plain, exclusive] = isUpper
      ? [schema.maximum, schema.exclusiveMaximum]
      : [schema.minimum, schema.exclusiveMinimum];
    for (const [value, isExclusive] of [[plain, false], [exclusive, true]] as const) {
      if (typeof value !== "number") continue;
      const end = isWhole ? wholeEnd({ value, isExclusive }, isUpper) : { value, isExclusive };
      if (tightest === undefined || isTighter(end, tightest, isUpper)) tightest = end;
    }
  }
  return tightest;
}

/** The last integer before an end. */
function wholeEnd({ value, isExclusive }: End, isUpper: boolean): End {
  if (Math.abs(value) > EXACT_MAX) return { value, isExclusive };
  const last = isUpper ? Math.floor(value) : Math.ceil(value);
  const isPast = isExclusive && last === value;
  return { value: isPast ? last + (isUpper ? -1 : 1) : last, isExclusive: false };
}

function isTighter(a: End, b: End, isUpper: boolean): boolean {
  if (a.value === b.value) return a.isExclusive;
  return isUpper ? a.value < b.value : a.value > b.value;
}

/** Quotients of large numbers are rounded: what is a multiple of 4 is then none of 2. */
function areMultiples(facts: Facts, divisor: number): boolean {
  const known = facts.nodes.flatMap(({ schema }) => (schema.multipleOf as number) ?? []);
  if (known.includes(divisor)) return true;
  const [lower, upper] = [endOf(facts, false), endOf(facts, true)];
  const isExact = !facts.kinds.has("fraction") && lower !== undefined && upper !== undefined &&
    Math.abs(lower.value) <= EXACT_MAX && Math.abs(upper.value) <= EXACT_MAX;
  return isExact && Number.isInteger(divisor) &&
    [1, ...known].some((each) => Number.isInteger(each) && each % divisor === 0);
}

/** Whether no number is between the ends that are known. */
export function hasNoNumber(facts: Facts): boolean {
  const [lower, upper] = [endOf(facts, false), endOf(facts, true)];
  if (lower === undefined || upper === undefined) return false;
  return lower.value > upper.value ||
    (lower.value === upper.value && (lower.isExclusive || upper.isExclusive));
}

/** Keywords that count something, and what they count. */
const COUNTED = {
  minLength: "characters",
  maxLength: "characters",
  minItems: "items",
  maxItems: "items",
  minProperties: "properties",
  maxProperties: "properties",
} as const;

/** A keyword that counts something. */
export type CountKeyword = keyof typeof COUNTED;

/** Whether a keyword counts something. */
export function isCountKeyword(keyword: string): keyword is CountKeyword {
  return Object.hasOwn(COUNTED, keyword);
}

/** Gaps of keywords that count something. @param known what is known besides, from other keywords */
export function countGap(
  facts: Facts,
  node: ObjectNode,
  { keyword, known }: { readonly keyword: CountKeyword; readonly known?: number | undefined },
): Gap | undefined {
  const limit = node.schema[keyword] as number;
  const isUpper = keyword.startsWith("max");
  const own = countOf(facts, keyword);
  const count = isUpper ? Math.min(own, known ?? Infinity) : Math.max(own, known ?? 0);
  if (isUpper ? count <= limit : count >= limit) return undefined;
  const found = isUpper ? (count === Infinity ? "more" : String(count)) : String(count);
  return gapAt(
    node,
    keyword,
    `it takes at ${isUpper ? "most" : "least"} ${limit} ${
      COUNTED[keyword]
    }, and documents may have ${found}`,
  );
}

/** The tightest count that is known: 0 or infinite where none is. */
export function countOf(facts: Facts, keyword: CountKeyword): number {
  const counts = facts.nodes.flatMap(({ schema }) => (schema[keyword] as number) ?? []);
  return keyword.startsWith("max") ? Math.min(...counts) : Math.max(0, ...counts);
}

/** Gaps of keywords of which nothing is known but whether others say the same. */
export function sameGap(facts: Facts, node: ObjectNode, keyword: string): Gap | undefined {
  if (!facts.kinds.has("string")) {
    const isForNumbers = keyword === "format" && NUMBER_FORMATS.has(node.schema.format as string);
    const areNumbers = facts.kinds.has("integer") || facts.kinds.has("fraction");
    if (!isForNumbers || !areNumbers) return undefined;
  }
  const wanted = node.schema[keyword];
  if (facts.nodes.some(({ schema }) => schema[keyword] === wanted)) return undefined;
  return gapAt(
    node,
    keyword,
    `it takes only texts of ${keyword} ${JSON.stringify(wanted)}, and documents may have others`,
  );
}

/** Formats that are asked of numbers. */
const NUMBER_FORMATS: ReadonlySet<string> = new Set(["int32", "int64", "float", "double"]);
