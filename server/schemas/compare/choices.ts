/**
 * Keywords that join schemas: whether one of several fits, or none does.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";
import { type Gap, gapAt, type Question } from "./asking.ts";
import { Facts, hasKeywords, listUnder, type ObjectNode, under } from "./facts.ts";

/** Gaps of a keyword that joins schemas. */
export function choiceGap(question: Question, node: ObjectNode, keyword: string): Gap | undefined {
  const { asking, facts } = question;
  switch (keyword) {
    case "$ref":
      return asking.gap(facts, node.document.target(node.schema.$ref as string)!);
    case "allOf":
      return firstOf(listUnder(node, keyword), (part) => asking.gap(facts, part));
    case "anyOf":
      return anyOfGap(question, node);
    case "oneOf":
      return oneOfGap(question, node);
    case "not":
      return notGap(question, node);
    case "if":
      return ifGap(question, node);
    default:
      return undefined; // then and else are looked at with if
  }
}

function anyOfGap({ asking, facts }: Question, node: ObjectNode): Gap | undefined {
  const parts = listUnder(node, "anyOf");
  const gaps: Gap[] = [];
  for (const part of parts) {
    const gap = asking.gap(facts, part);
    if (gap === undefined) return undefined;
    gaps.push(gap);
  }
  if (gaps.length === 1) return gaps[0];
  return gapAt(node, "anyOf", "none of the alternatives takes all that documents may have");
}

function oneOfGap(question: Question, node: ObjectNode): Gap | undefined {
  const { asking, facts } = question;
  const parts = listUnder(node, "oneOf");
  for (const part of parts) {
    const isOnly = asking.gap(facts, part) === undefined &&
      parts.every((other) => other === part || isDisjoint(question, other));
    if (isOnly) return undefined;
  }
  const isSame = facts.nodes.some(({ schema, ...other }) =>
    Array.isArray(schema.oneOf) && schema.oneOf.length === parts.length &&
    listUnder({ schema, ...other }, "oneOf").every((each, index) =>
      isEquivalent(question, each, parts[index]!)
    )
  );
  if (isSame) return undefined;
  return gapAt(
    node,
    "oneOf",
    "it is not sure that exactly one of the alternatives takes what documents may have",
  );
}

function notGap(question: Question, node: ObjectNode): Gap | undefined {
  const { asking, facts } = question;
  const refused = under(node, "not");
  if (isDisjoint(question, refused)) return undefined;
  const isKnown = facts.nodes.some((other) =>
    other.schema.not !== undefined &&
    asking.gap(Facts.of(refused), under(other, "not")) === undefined
  );
  if (isKnown) return undefined;
  return gapAt(node, "not", "documents may have what it refuses");
}

function ifGap(question: Question, node: ObjectNode): Gap | undefined {
  const { asking, facts } = question;
  const condition = under(node, "if");
  const others = facts.nodes.filter((other) => other.schema.if !== undefined);
  if (node.schema.then !== undefined) {
    const known = facts.with(
      condition,
      ...others.filter(({ schema }) => schema.then !== undefined)
        .filter((other) => asking.gap(Facts.of(condition), under(other, "if")) === undefined)
        .map((other) => under(other, "then")),
    );
    const gap = asking.gap(known, under(node, "then"));
    if (gap !== undefined) return gap;
  }
  if (node.schema.else === undefined) return undefined;
  if (asking.gap(facts, condition) === undefined) return undefined;
  const known = facts.with(
    ...others.filter(({ schema }) => schema.else !== undefined)
      .filter((other) => asking.gap(Facts.of(under(other, "if")), condition) === undefined)
      .map((other) => under(other, "else")),
  );
  return asking.gap(known, under(node, "else"));
}

/** Whether no document of which the facts are known is valid under a schema. */
function isDisjoint({ asking, facts }: Question, node: SchemaNode): boolean {
  return asking.isEmpty(facts.with(node));
}

function isEquivalent({ asking }: Question, a: SchemaNode, b: SchemaNode): boolean {
  return asking.gap(Facts.of(a), b) === undefined && asking.gap(Facts.of(b), a) === undefined;
}

/**
 * Facts with one choice more that is made, in each way that it can turn out; `undefined` where
 * there is none to make.
 */
export function alternativesOf(facts: Facts): Facts[] | undefined {
  for (const either of facts.eithers) {
    if (!facts.isChosen(either)) return either.map((each) => facts.choosing(either).and(each));
  }
  for (const node of facts.nodes) {
    for (const keyword of ["anyOf", "oneOf"]) {
      const list = node.schema[keyword];
      if (!Array.isArray(list) || facts.isChosen(list)) continue;
      return listUnder(node, keyword).map((part) => facts.choosing(list).with(part));
    }
    const { if: condition } = node.schema;
    if (condition === undefined || typeof condition === "boolean" || facts.isChosen(condition)) {
      continue;
    }
    const made = facts.choosing(condition);
    const part = (keyword: string) =>
      node.schema[keyword] === undefined ? [] : [under(node, keyword)];
    return [made.with(under(node, "if"), ...part("then")), made.with(...part("else"))];
  }
  return undefined;
}

/** Whether how a schema takes a document depends on what kind of value it is. */
export function dependsOnKind(node: SchemaNode): boolean {
  return hasKeywords(node) &&
    ["anyOf", "oneOf", "if", "not", "$ref", "allOf"].some((keyword) =>
      node.schema[keyword] !== undefined
    );
}

function firstOf(
  nodes: readonly SchemaNode[],
  gapOf: (node: SchemaNode) => Gap | undefined,
): Gap | undefined {
  for (const node of nodes) {
    const gap = gapOf(node);
    if (gap !== undefined) return gap;
  }
  return undefined;
}
