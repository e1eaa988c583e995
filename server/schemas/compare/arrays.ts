/**
 * Lists: whether each of their items, and how many there are, fits.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";
import { type Asking, type Gap, gapAt, type Question } from "./asking.ts";
import { Facts, listUnder, type ObjectNode, under } from "./facts.ts";
import { countGap, type CountKeyword, countOf } from "./scalars.ts";

/** The keywords that are looked at with `items`, as they mean nothing by themselves. */
export const ITEM_KEYWORDS: ReadonlySet<string> = new Set([
  ...["items", "prefixItems", "additionalItems"],
]);

/** Items by their place. */
interface Places {
  readonly prefix: readonly SchemaNode[];
  /** Of all behind them; nothing is said unless given. */
  readonly rest: SchemaNode | undefined;
}

/** Gaps of a keyword for lists. */
export function arrayGap(
  { asking, facts }: Question,
  node: ObjectNode,
  keyword: string,
): Gap | undefined {
  if (!facts.kinds.has("array")) return undefined;
  if (ITEM_KEYWORDS.has(keyword)) return itemsGap(asking, facts, node);
  if (keyword === "minItems" || keyword === "maxItems") {
    const known = keyword === "maxItems" ? longest(asking, facts) : undefined;
    return countGap(facts, node, { keyword: keyword as CountKeyword, known });
  }
  if (keyword === "contains") return containsGap(asking, facts, node);
  const isUnique = node.schema.uniqueItems !== true || longest(asking, facts) <= 1 ||
    facts.nodes.some(({ schema }) => schema.uniqueItems === true);
  if (isUnique) return undefined;
  return gapAt(node, keyword, "items must differ, and documents may have equal ones");
}

function itemsGap(asking: Asking, facts: Facts, node: ObjectNode): Gap | undefined {
  const { prefix, rest } = placesOf(node);
  const length = Math.max(prefix.length, prefixLength(facts));
  const most = longest(asking, facts);
  for (let place = 0; place < length; place++) {
    if (place >= most) return undefined;
    const wanted = prefix[place] ?? rest;
    const gap = wanted && asking.gapInside(itemFacts(facts, place), wanted);
    if (gap !== undefined) return gap;
  }
  if (most <= length || rest === undefined) return undefined;
  return asking.gapInside(itemFacts(facts, length), rest);
}

function containsGap(asking: Asking, facts: Facts, node: ObjectNode): Gap | undefined {
  const wanted = under(node, "contains");
  const { least, most } = containedOf(node);
  const others = facts.nodes.filter(({ schema }) => schema.contains !== undefined);
  const hasEnough = least === 0 ||
    others.some((other) =>
      containedOf(other).least >= least &&
      asking.gapInside(Facts.of(under(other, "contains")), wanted) === undefined
    ) ||
    (countOf(facts, "minItems") >= least && allItems(asking, facts, wanted));
  if (!hasEnough) {
    return gapAt(node, "contains", `it needs ${least} such items, and documents may have fewer`);
  }
  const hasFew = most === Infinity || longest(asking, facts) <= most ||
    others.some((other) =>
      containedOf(other).most <= most &&
      asking.gapInside(Facts.of(wanted), under(other, "contains")) === undefined
    );
  if (hasFew) return undefined;
  return gapAt(node, "maxContains", `it takes ${most} such items, and documents may have more`);
}

function containedOf({ schema }: ObjectNode): { least: number; most: number } {
  const { minContains = 1, maxContains = Infinity } = schema;
  return { least: minContains as number, most: maxContains as number };
}

function allItems(asking: Asking, facts: Facts, wanted: SchemaNode): boolean {
  for (let place = 0; place <= prefixLength(facts); place++) {
    if (asking.gapInside(itemFacts(facts, place), wanted) !== undefined) return false;
  }
  return true;
}

/** How long lists can be: as long as is said, or up to the first item that cannot be. */
export function longest(asking: Asking, facts: Facts): number {
  const most = countOf(facts, "maxItems");
  const length = Math.min(prefixLength(facts), most);
  for (let place = 0; place <= length; place++) {
    if (place < most && asking.isEmpty(itemFacts(facts, place))) return place;
  }
  return most;
}

/** What is known of the item at a place. */
export function itemFacts(facts: Facts, place: number): Facts {
  const items = facts.nodes.flatMap((node) => {
    const { prefix, rest } = placesOf(node);
    return prefix[place] ?? rest ?? [];
  });
  return Facts.of(...items);
}

function prefixLength(facts: Facts): number {
  return Math.max(0, ...facts.nodes.map((node) => placesOf(node).prefix.length));
}

function placesOf(node: ObjectNode): Places {
  const { items, additionalItems } = node.schema;
  if (Array.isArray(items)) {
    const rest = additionalItems === undefined ? undefined : under(node, "additionalItems");
    return { prefix: listUnder(node, "items"), rest };
  }
  const rest = items === undefined ? undefined : under(node, "items");
  return { prefix: listUnder(node, "prefixItems"), rest };
}
