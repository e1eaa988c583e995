/**
 * Objects: whether each of their members, and their names, fit.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";
import { type Asking, type Gap, gapAt, type Question } from "./asking.ts";
import { Facts, type ObjectNode, under } from "./facts.ts";
import { additionalOf, type Leftovers, leftoversOf, unevaluatedOf } from "./leftovers.ts";
import { countGap, type CountKeyword } from "./scalars.ts";

/** Names that no schema lists. */
interface OtherNames {
  /** Only those that have this pattern in them. */
  readonly matching?: string;
  /** None that have one of these. */
  readonly without?: ReadonlySet<string>;
}

/** Gaps of a keyword for objects. */
export function objectGap(
  question: Question,
  node: ObjectNode,
  keyword: string,
): Gap | undefined {
  const { asking, facts } = question;
  if (!facts.kinds.has("object")) return undefined;
  switch (keyword) {
    case "required":
      return requiredGap(facts, node);
    case "properties":
      return firstGap(
        namesIn(node.schema.properties),
        (name) =>
          asking.gapInside(memberFacts(asking, facts, name), under(node, "properties", name)),
      );
    case "patternProperties":
      return firstGap(
        namesIn(node.schema.patternProperties),
        (pattern) => patternGap(question, node, pattern),
      );
    case "additionalProperties":
      return leftoversGap(question, node, additionalOf(node)!);
    case "unevaluatedProperties":
      return unevaluatedGap(question, node);
    case "propertyNames":
      return namesGap(question, node);
    case "minProperties":
    case "maxProperties":
      return countGap(facts, node, {
        keyword: keyword as CountKeyword,
        known: keyword === "minProperties" ? facts.required.size : mostMembers(asking, facts),
      });
    default:
      return dependencyGap(question, node, keyword);
  }
}

function requiredGap(facts: Facts, node: ObjectNode): Gap | undefined {
  const known = facts.required;
  const missing = (node.schema.required as string[]).find((name) => !known.has(name));
  if (missing === undefined) return undefined;
  return gapAt(
    node,
    "required",
    `${JSON.stringify(missing)} is required, and documents may lack it`,
  );
}

function patternGap({ asking, facts }: Question, node: ObjectNode, pattern: string) {
  const wanted = under(node, "patternProperties", pattern);
  const listed = [...listedNames(facts), ...namesIn(node.schema.properties)];
  return firstGap(
    new Set(listed),
    (name) =>
      asking.matches(pattern, name)
        ? asking.gapInside(memberFacts(asking, facts, name), wanted)
        : undefined,
  ) ??
    asking.gapInside(otherFacts(facts, { matching: pattern }), wanted);
}

function unevaluatedGap(question: Question, node: ObjectNode): Gap | undefined {
  const leftovers = unevaluatedOf(node);
  if (leftovers !== "unknown") {
    return leftovers === undefined ? undefined : leftoversGap(question, node, leftovers);
  }
  return gapAt(
    node,
    "unevaluatedProperties",
    "it cannot be compared beside alternatives and conditions; additionalProperties can",
  );
}

function leftoversGap(
  { asking, facts }: Question,
  node: ObjectNode,
  { keyword, names, patterns, schema: wanted }: Leftovers,
): Gap | undefined {
  const gap = firstGap(listedNames(facts), (name) => {
    const isOwn = names.has(name) || patterns.some((pattern) => asking.matches(pattern, name));
    if (isOwn) return undefined;
    const inside = asking.gapInside(memberFacts(asking, facts, name), wanted);
    if (inside === undefined || wanted.schema !== false) return inside;
    return gapAt(node, keyword, `it refuses ${JSON.stringify(name)}, which documents may have`);
  });
  if (gap !== undefined) return gap;
  const others = otherFacts(facts, { without: new Set(patterns) });
  const inside = asking.gapInside(others, wanted);
  if (inside === undefined || wanted.schema !== false) return inside;
  return gapAt(node, keyword, "it refuses other properties, which documents may have");
}

function namesGap({ asking, facts }: Question, node: ObjectNode): Gap | undefined {
  const wanted = under(node, "propertyNames");
  const others = otherFacts(facts, {});
  const known = Facts.of(
    ...facts.nodes.flatMap((other) =>
      other.schema.propertyNames === undefined ? [] : [under(other, "propertyNames")]
    ),
  ).ofKind("string");
  const byNames = asking.gapInside(known, wanted);
  if (byNames === undefined) return undefined;
  const wrong = [...listedNames(facts)].find((name) =>
    !asking.accepts(wanted, name) && !asking.isEmpty(memberFacts(asking, facts, name))
  );
  if (wrong === undefined && asking.isEmpty(others)) return undefined;
  if (wrong === undefined) return byNames;
  return gapAt(
    node,
    "propertyNames",
    `it refuses the name ${JSON.stringify(wrong)}, which documents may have`,
  );
}

/** `dependentRequired`, `dependentSchemas`, and `dependencies`, which is both. */
function dependencyGap(question: Question, node: ObjectNode, keyword: string): Gap | undefined {
  const { asking, facts } = question;
  const dependencies = node.schema[keyword] as Readonly<Record<string, unknown>>;
  return firstGap(Object.keys(dependencies), (name) => {
    if (asking.isEmpty(memberFacts(asking, facts, name))) return undefined;
    const known = withMember(facts, name);
    const wanted = dependencies[name];
    if (!Array.isArray(wanted)) return asking.gap(known, under(node, keyword, name));
    const { required } = known;
    const missing = wanted.find((other) => !required.has(other));
    if (missing === undefined) return undefined;
    return gapAt(
      node,
      keyword,
      `${JSON.stringify(name)} needs ${
        JSON.stringify(missing)
      }, and documents may have the one without the other`,
    );
  });
}

/** What is known of an object when it has a member. */
function withMember(facts: Facts, name: string): Facts {
  let known = facts.having(name);
  for (const node of facts.nodes) {
    for (const keyword of ["dependentRequired", "dependentSchemas", "dependencies"]) {
      const dependencies = node.schema[keyword] as Readonly<Record<string, unknown>> | undefined;
      if (dependencies === undefined || !Object.hasOwn(dependencies, name)) continue;
      const wanted = dependencies[name];
      if (!Array.isArray(wanted)) known = known.with(under(node, keyword, name));
      else for (const other of wanted) known = known.having(other);
    }
  }
  return known;
}

/** What is known of the value of a member, should it be there. */
export function memberFacts(asking: Asking, facts: Facts, name: string): Facts {
  const known: SchemaNode[] = [];
  for (const node of facts.nodes) {
    const { properties, patternProperties, propertyNames } = node.schema;
    if (namesIn(properties).includes(name)) known.push(under(node, "properties", name));
    for (const pattern of namesIn(patternProperties)) {
      if (asking.matches(pattern, name)) known.push(under(node, "patternProperties", pattern));
    }
    for (const { names, patterns, schema } of leftoversOf(node)) {
      const isNamed = names.has(name) || patterns.some((pattern) => asking.matches(pattern, name));
      if (!isNamed) known.push(schema);
    }
    if (propertyNames !== undefined && !asking.accepts(under(node, "propertyNames"), name)) {
      return NONE;
    }
  }
  return Facts.of(...known);
}

/** What is known of members whose names nobody lists. */
function otherFacts(facts: Facts, { matching, without = new Set() }: OtherNames): Facts {
  let known = Facts.of();
  for (const node of facts.nodes) {
    const own = namesIn(node.schema.patternProperties);
    if (matching !== undefined && own.includes(matching)) {
      known = known.with(under(node, "patternProperties", matching));
    }
    for (const { patterns, schema } of leftoversOf(node)) {
      if (matching !== undefined && patterns.includes(matching)) continue;
      const possible = patterns.filter((pattern) => !without.has(pattern));
      if (possible.length === 0) {
        known = known.with(schema);
        continue;
      }
      // One of its own patterns is in the name, or one of a part, of which nothing is said here.
      const named = possible.map((pattern) =>
        own.includes(pattern) ? Facts.of(under(node, "patternProperties", pattern)) : Facts.of()
      );
      known = known.withEither([...named, Facts.of(schema)]);
    }
  }
  return known;
}

/** How many members there can be, where only listed ones can. */
function mostMembers(asking: Asking, facts: Facts): number {
  const isClosed = asking.isEmpty(otherFacts(facts, {}));
  return isClosed ? listedNames(facts).size : Infinity;
}

/** The names that schemas list. */
function listedNames(facts: Facts): Set<string> {
  return new Set(facts.nodes.flatMap(({ schema }) => namesIn(schema.properties)));
}

function namesIn(members: unknown): string[] {
  return Object.keys(members ?? {});
}

function firstGap(
  names: Iterable<string>,
  gapOf: (name: string) => Gap | undefined,
): Gap | undefined {
  for (const name of names) {
    const gap = gapOf(name);
    if (gap !== undefined) return gap;
  }
  return undefined;
}

/** Facts that no document has. */
const NONE: Facts = new Facts({ kinds: new Set() });
