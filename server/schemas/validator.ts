/**
 * Checks documents against a schema, with Ajv: in bounded time, whoever wrote the schema or the document.
 *
 * @module
 */
import { _, Ajv, type KeywordCxt, type Options } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { messageOf } from "../../core/base/errors.ts";
import { addBoundedFormats, FORMATS } from "./bounded_formats.ts";
import { type Complaint, complaintOf } from "./complaint.ts";
import { addEqualityKeywords } from "./equality_keywords.ts";
import type { Dialect } from "./keywords.ts";
import { CHECK_STEPS_MAX, SCHEMA_PATTERNS_MAX } from "./limits.ts";
import { linearPattern } from "./linear_pattern.ts";
import { preparedSchema, refTo, STEPS_KEYWORD } from "./prepared_schema.ts";
import { refused, type SchemaDocument, type SchemaNode, shown } from "./schema_document.ts";
import { WorkMeter, WorkSpent } from "./work_meter.ts";

type Check = (value: unknown) => Complaint | undefined;

const DOCUMENT = "schema";
const metaSchemas = new Map<Dialect, Ajv>();

/** Checks documents against one schema, and against the schemas in it. */
export class Validator {
  /** The schema that it checks against. */
  readonly document: SchemaDocument;
  readonly #ajv: Ajv;
  readonly #meter = new WorkMeter();
  readonly #whole: Check;

  /**
   * Makes a schema ready.
   *
   * @throws {SeglogError} `invalid-argument`, saying what is wrong with it and where
   */
  constructor(document: SchemaDocument) {
    this.document = document;
    checkMetaSchema(document);
    checkParts(document);
    this.#ajv = ajvFor(document, this.#meter);
    try {
      this.#ajv.addSchema(preparedSchema(document) as object, DOCUMENT);
      this.#whole = this.#check(document.root);
      this.begin();
      this.#whole(null); // an engine reads code only when it is run, and may find it nested too deep
    } catch (cause) {
      const why = cause instanceof WorkSpent
        ? "checking a value against it takes too many steps"
        : cause instanceof RangeError
        ? "it has too many parts, or its references are nested too deep"
        : messageOf(cause);
      throw refused("", why, cause);
    }
  }

  /** Begins to count the steps of checks anew: before each append. */
  begin(): void {
    this.#meter.left = CHECK_STEPS_MAX;
  }

  /**
   * What is wrong with a document; `undefined` when it is valid.
   *
   * @throws what {@linkcode isSpent} is true of, when that takes too much
   */
  complaint(value: unknown): Complaint | undefined {
    return this.#whole(value);
  }

  /** Whether a value is valid under a schema of the document. @throws as {@linkcode Validator.complaint} */
  accepts(node: SchemaNode, value: unknown): boolean {
    return this.#check(node)(value) === undefined;
  }

  #check(node: SchemaNode): Check {
    const validate = this.#ajv.getSchema(`${DOCUMENT}${refTo(node)}`);
    if (validate === undefined) throw new TypeError(`there is no schema at ${node.pointer}`);
    return (value) => {
      try {
        return validate(value) ? undefined : complaintOf(validate.errors ?? []);
      } catch (error) {
        if (isSpent(error)) throw error;
        return { path: "", reason: `cannot be checked (${messageOf(error)})` };
      }
    };
  }
}

/** Whether checking ended because it took too much: of steps, or of the stack. */
export function isSpent(error: unknown): boolean {
  return error instanceof WorkSpent || error instanceof RangeError;
}

function ajvFor(document: SchemaDocument, meter: WorkMeter): Ajv {
  const ajv = bare(document.dialect, {
    code: {
      regExp: patternsWith(meter),
      optimize: false, // which takes time as the square of a schema's size
    },
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    inlineRefs: false, // what is referred to often would be written out as often
    ownProperties: true, // {} has no member "toString"
    strictNumbers: true,
  });
  // Who asks for what others left over has to be told what they looked at, which takes time, and fails
  // in Ajv 8 where patternProperties stand beside oneOf.
  ajv.opts.unevaluated = [...document.nodes].some(asksForTheRest);
  ajv.opts.dynamicRef = false;
  addBoundedFormats(ajv, meter);
  addEqualityKeywords(ajv, meter);
  putPlacesLast(ajv);
  ajv.addKeyword({
    keyword: STEPS_KEYWORD,
    schemaType: "number",
    code({ gen, schema }: KeywordCxt) {
      const steps = gen.scopeValue("func", { ref: meter });
      gen.code(_`${steps}.spend(${schema})`);
    },
  });
  return ajv;
}

/**
 * Where a list is shorter than its schema has places, Ajv 8 leaves out the keywords for lists that
 * come behind: those may only be such as then have nothing to say.
 */
function putPlacesLast(ajv: Ajv): void {
  const last = ["prefixItems", "items", "additionalItems", "unevaluatedItems"];
  for (const { type, rules } of ajv.RULES.rules) {
    if (type !== "array") continue;
    rules.sort((a, b) => last.indexOf(a.keyword) - last.indexOf(b.keyword));
  }
}

function patternsWith(meter: WorkMeter) {
  const compile = (pattern: string) => {
    const linear = linearPattern(pattern);
    return {
      toString: () => pattern, // by which Ajv tells patterns apart
      test(text: string) {
        meter.spend(linear.steps(text));
        return linear.test(text);
      },
    };
  };
  return Object.assign(compile, { code: "linearPattern" });
}

function bare(dialect: Dialect, options: Options): Ajv {
  const all: Options = { strict: false, logger: false, ...options };
  return dialect === "draft-07" ? new Ajv(all) : new Ajv2020(all) as unknown as Ajv;
}

function asksForTheRest({ schema }: SchemaNode): boolean {
  return typeof schema !== "boolean" &&
    (schema.unevaluatedProperties !== undefined || schema.unevaluatedItems !== undefined);
}

/** Asks the schema of schemas. */
function checkMetaSchema({ dialect, root }: SchemaDocument): void {
  let ajv = metaSchemas.get(dialect);
  if (ajv === undefined) metaSchemas.set(dialect, ajv = bare(dialect, { validateFormats: false }));
  const { $id: _id, ...rest } = typeof root.schema === "boolean" ? {} : root.schema;
  if (ajv.validateSchema(rest) === true) return;
  const { path, reason } = complaintOf(ajv.errors ?? []);
  throw refused(path, reason);
}

/** What the schema of schemas does not say. */
function checkParts({ nodes }: SchemaDocument): void {
  const patterns = new Set<string>();
  for (const { pointer, schema } of nodes) {
    if (typeof schema === "boolean") continue;
    const { pattern, format, patternProperties } = schema;
    if (typeof format === "string" && !FORMATS.has(format)) {
      throw refused(`${pointer}/format`, `${shown(format)} is no format that is known`);
    }
    if (typeof pattern === "string") {
      checkPattern(`${pointer}/pattern`, pattern);
      patterns.add(pattern);
    }
    for (const each of Object.keys(patternProperties ?? {})) {
      checkPattern(`${pointer}/patternProperties`, each);
      patterns.add(each);
    }
    if (patterns.size > SCHEMA_PATTERNS_MAX) {
      throw refused(pointer, `it has more than ${SCHEMA_PATTERNS_MAX} patterns`);
    }
  }
}

function checkPattern(pointer: string, pattern: string): void {
  try {
    linearPattern(pattern);
  } catch (cause) {
    throw refused(
      pointer,
      `the pattern ${shown(pattern)} is not taken: ${messageOf(cause)}`,
      cause,
    );
  }
}
