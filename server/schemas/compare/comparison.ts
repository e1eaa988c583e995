/**
 * Whether a schema accepts every document that another one accepts. A yes is sure. A no may only mean
 * that it could not be shown: the question has no answer in general that could be computed in time.
 *
 * What the one schema says is taken as facts about a document, and the other is asked keyword by
 * keyword whether it could still refuse it. Schemas that refer to themselves lead back to questions
 * that are being answered: about a part of the document, such a question may be taken as answered, by
 * induction over the size of documents.
 *
 * @module
 */
import { canonicalJson } from "../canonical.ts";
import { ANNOTATIONS } from "../keywords.ts";
import { COMPARE_DEPTH_MAX, COMPARE_STEPS_MAX } from "../limits.ts";
import { linearPattern } from "../linear_pattern.ts";
import type { SchemaDocument, SchemaNode } from "../schema_document.ts";
import { isSpent, Validator } from "../validator.ts";
import { WorkMeter } from "../work_meter.ts";
import { arrayGap, ITEM_KEYWORDS, itemFacts } from "./arrays.ts";
import { type Asking, type Gap, gapAt, type Question } from "./asking.ts";
import { alternativesOf, choiceGap, dependsOnKind } from "./choices.ts";
import { Facts, idOf, type ObjectNode } from "./facts.ts";
import { kindOf } from "./kinds.ts";
import { memberFacts, objectGap } from "./objects.ts";
import { acceptsPlainly } from "./plain_values.ts";
import { isSameText } from "./same_text.ts";
import {
  countGap,
  countOf,
  hasNoNumber,
  isCountKeyword,
  numberGap,
  sameGap,
  typeGap,
} from "./scalars.ts";

/** Steps of one question, a character of a name that is matched being one. */
const QUESTION_STEPS = 100;
/** Steps of asking a validator, which may have to be made. */
const VALIDATOR_STEPS = 1000;
const EMPTY_DEPTH_MAX = 12;
const NUMBER_KEYWORDS: ReadonlySet<string> = new Set([
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
]);
const ARRAY_KEYWORDS: ReadonlySet<string> = new Set([
  ...[...ITEM_KEYWORDS, "contains", "uniqueItems", "minItems", "maxItems"],
]);
const OBJECT_KEYWORDS: ReadonlySet<string> = new Set([
  ...["required", "properties", "patternProperties", "additionalProperties", "propertyNames"],
  ...[
    "unevaluatedProperties",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
  ],
]);
const INTRICATE = "it is too intricate to be compared";

/**
 * Where the schema `to` may refuse a document that the schema `from` accepts.
 *
 * @param meter of this comparison alone unless given
 * @returns the first such place; `undefined` when there surely is none
 */
export function findGap(
  from: SchemaDocument,
  to: SchemaDocument,
  meter: WorkMeter = comparisonMeter(),
): Gap | undefined {
  const isSame = from.dialect === to.dialect &&
    canonicalJson(from.root.schema) === canonicalJson(to.root.schema);
  if (isSame) return undefined;
  try {
    return new Comparison(meter).gap(Facts.of(from.root), to.root);
  } catch (error) {
    if (isSpent(error)) return { path: "", reason: INTRICATE };
    throw error;
  }
}

/** What comparisons that belong together may take. */
export function comparisonMeter(): WorkMeter {
  const meter = new WorkMeter();
  meter.left = COMPARE_STEPS_MAX;
  return meter;
}

/** Questions about two schemas. */
class Comparison implements Asking {
  /** Made when a value is to be looked at: most comparisons need none. */
  readonly #validators = new Map<SchemaDocument, Validator>();
  readonly #meter: WorkMeter;
  /** Questions that are being answered, and at which depth within the document each came up. */
  readonly #open = new Map<string, number>();
  #inside = 0;
  #depth = 0;
  #emptyDepth = 0;

  constructor(meter: WorkMeter) {
    this.#meter = meter;
  }

  gap(facts: Facts, node: SchemaNode): Gap | undefined {
    this.#meter.spend(QUESTION_STEPS);
    if (node.schema === true || facts.all.some((each) => isSameText(each, node))) return undefined;
    if (this.isEmpty(facts)) return undefined;
    if (node.schema === false) {
      return {
        path: node.pointer,
        reason: "it refuses all, and documents may have something here",
      };
    }
    const key = `${facts.key}>${idOf(node)}`;
    const before = this.#open.get(key);
    if (before !== undefined && before < this.#inside) return undefined; // by induction
    if (before !== undefined || this.#depth >= COMPARE_DEPTH_MAX) {
      return { path: node.pointer, reason: INTRICATE };
    }
    this.#open.set(key, this.#inside);
    this.#depth++;
    try {
      return this.#answer(facts, node as ObjectNode);
    } finally {
      this.#depth--;
      this.#open.delete(key);
    }
  }

  gapInside(facts: Facts, node: SchemaNode): Gap | undefined {
    this.#inside++;
    try {
      return this.gap(facts, node);
    } finally {
      this.#inside--;
    }
  }

  isEmpty(facts: Facts): boolean {
    this.#meter.spend(QUESTION_STEPS / 10);
    if (facts.kinds.size === 0) return true;
    if (this.#emptyDepth >= EMPTY_DEPTH_MAX) return false;
    this.#emptyDepth++;
    try {
      const values = valuesOf(facts);
      if (values !== undefined) return !values.some((value) => this.#mayBe(facts, value));
      if ([...facts.kinds].every((kind) => this.#hasNone(facts.ofKind(kind), kind))) return true;
      const alternatives = alternativesOf(facts);
      return alternatives !== undefined && alternatives.every((each) => this.isEmpty(each));
    } finally {
      this.#emptyDepth--;
    }
  }

  accepts(node: SchemaNode, value: unknown): boolean {
    const plainly = acceptsPlainly(node, value, this.#meter);
    if (plainly !== undefined) return plainly;
    this.#meter.spend(VALIDATOR_STEPS);
    return this.#validatorOf(node.document).accepts(node, value);
  }

  matches(pattern: string, name: string): boolean {
    const linear = linearPattern(pattern);
    this.#meter.spend(linear.steps(name));
    return linear.test(name);
  }

  #validatorOf(document: SchemaDocument): Validator {
    let validator = this.#validators.get(document);
    if (validator === undefined) {
      validator = new Validator(document);
      validator.begin();
      this.#validators.set(document, validator);
    }
    return validator;
  }

  #answer(facts: Facts, node: ObjectNode): Gap | undefined {
    const values = valuesOf(facts);
    if (values !== undefined) return this.#valuesGap(facts, node, values);
    const gap = this.#gapOfKeywords(facts, node);
    if (gap === undefined) return undefined;
    const alternatives = alternativesOf(facts) ?? this.#byKind(facts, node);
    if (alternatives === undefined) return gap;
    for (const alternative of alternatives) {
      const remaining = this.gap(alternative, node);
      if (remaining !== undefined) return remaining.reason === INTRICATE ? gap : remaining;
    }
    return undefined;
  }

  #byKind(facts: Facts, node: SchemaNode): Facts[] | undefined {
    const kinds = [...facts.kinds];
    return kinds.length > 1 && dependsOnKind(node)
      ? kinds.map((kind) => facts.ofKind(kind))
      : undefined;
  }

  #gapOfKeywords(facts: Facts, node: ObjectNode): Gap | undefined {
    const question: Question = { asking: this, facts };
    for (const keyword of Object.keys(node.schema)) {
      const gap = gapOfKeyword(question, node, keyword);
      if (gap !== undefined) return gap;
    }
    return undefined;
  }

  /** Where only some values can be, each of them is looked at. */
  #valuesGap(facts: Facts, node: SchemaNode, values: readonly unknown[]): Gap | undefined {
    const refused = values.find((value) => !this.accepts(node, value) && this.#mayBe(facts, value));
    if (refused === undefined) return undefined;
    const reason = `it refuses ${JSON.stringify(refused).slice(0, 80)}, which documents may have`;
    return { path: node.pointer, reason };
  }

  #mayBe(facts: Facts, value: unknown): boolean {
    this.#meter.spend(1);
    return facts.kinds.has(kindOf(value)) && facts.all.every((node) => this.accepts(node, value));
  }

  /** Whether no value of one kind can be. */
  #hasNone(facts: Facts, kind: string): boolean {
    switch (kind) {
      case "integer":
      case "fraction":
        return hasNoNumber(facts);
      case "string":
        return countOf(facts, "minLength") > countOf(facts, "maxLength");
      case "array": {
        const least = countOf(facts, "minItems");
        if (least > countOf(facts, "maxItems")) return true;
        return least > 0 && this.isEmpty(itemFacts(facts, 0));
      }
      case "object":
        return Math.max(facts.required.size, countOf(facts, "minProperties")) >
            countOf(facts, "maxProperties") ||
          [...facts.required].some((name) => this.isEmpty(memberFacts(this, facts, name)));
      default:
        return false;
    }
  }
}

function gapOfKeyword(question: Question, node: ObjectNode, keyword: string): Gap | undefined {
  const { facts } = question;
  if (ANNOTATIONS.has(keyword)) return undefined;
  if (keyword === "type") return typeGap(facts, node);
  if (keyword === "enum" || keyword === "const") {
    return gapAt(node, keyword, "it takes only some values, and documents may have others");
  }
  if (NUMBER_KEYWORDS.has(keyword)) return numberGap(facts, node, keyword);
  if (ARRAY_KEYWORDS.has(keyword)) return arrayGap(question, node, keyword);
  if (OBJECT_KEYWORDS.has(keyword)) return objectGap(question, node, keyword);
  if (isCountKeyword(keyword)) {
    return facts.kinds.has("string") ? countGap(facts, node, { keyword }) : undefined;
  }
  if (keyword === "pattern" || keyword === "format") return sameGap(facts, node, keyword);
  if (keyword === "unevaluatedItems") {
    return node.schema[keyword] === true || !facts.kinds.has("array")
      ? undefined
      : gapAt(node, keyword, "it cannot be compared; items can");
  }
  return choiceGap(question, node, keyword);
}

/** All values that can be, where they are listed; more than those that can be, never fewer. */
function valuesOf(facts: Facts): readonly unknown[] | undefined {
  for (const { schema } of facts.nodes) {
    if (Object.hasOwn(schema, "const")) return [schema.const];
    if (Array.isArray(schema.enum)) return schema.enum;
  }
  const { kinds } = facts;
  if ([...kinds].some((kind) => kind !== "null" && kind !== "boolean")) return undefined;
  return [
    ...kinds.has("null") ? [null] : [],
    ...kinds.has("boolean") ? [true, false] : [],
  ];
}
