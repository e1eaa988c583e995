/**
 * Checks documents against a schema, with Ajv: in bounded time, whoever wrote the schema or the document.
 *
 * @module
 */
import { _, Ajv, type KeywordCxt, type Options } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats, { type FormatName } from "ajv-formats";
import { messageOf } from "../../core/base/errors.ts";
import { canonicalJson } from "./canonical.ts";
import { type Complaint, complaintOf } from "./complaint.ts";
import { ANNOTATIONS, type Dialect, holdsOf } from "./keywords.ts";
import { CHECK_STEPS_MAX, FORMAT_CHARS_MAX } from "./limits.ts";
import { linearPattern } from "./linear_pattern.ts";
import {
  refused,
  type SchemaDocument,
  type SchemaJson,
  type SchemaNode,
  shown,
} from "./schema_document.ts";
import { WorkMeter, WorkSpent } from "./work_meter.ts";

/** Steps that a character of a value costs that is compared with others. */
const EQUALITY_STEPS = 8;
/** Some formats have patterns that take time as the square of a text: over this, in steps. */
const FORMAT_SQUARE = 64;
/** Counts the steps of a schema, as a keyword of it. */
const STEPS_KEYWORD = "seglogSteps";
const DOCUMENT = "schema";

const metaSchemas = new Map<Dialect, Ajv>();

/** The formats that are looked at. */
export const FORMATS: ReadonlySet<string> = new Set<FormatName>([
  ...["date", "time", "date-time", "iso-time", "iso-date-time", "duration", "uri"] as const,
  ...["uri-reference", "uri-template", "url", "email", "hostname", "ipv4", "ipv6"] as const,
  ...["regex", "uuid", "json-pointer", "relative-json-pointer", "byte", "int32", "int64"] as const,
  ...["float", "double", "password", "binary", "json-pointer-uri-fragment"] as const,
]);

/** Checks documents against one schema, and against the schemas in it. */
export class Validator {
  /** The schema that it checks against. */
  readonly document: SchemaDocument;
  readonly #ajv: Ajv;
  readonly #meter = new WorkMeter();
  readonly #whole: (value: unknown) => Complaint | undefined;

  /**
   * Makes a schema ready.
   *
   * @throws {SeglogError} `invalid-argument`, saying what is wrong with it and where
   */
  constructor(document: SchemaDocument) {
    this.document = document;
    checkMetaSchema(document);
    for (const node of document.nodes) checkParts(node);
    this.#ajv = ajvFor(document, this.#meter);
    try {
      this.#ajv.addSchema(prepared(document) as object, DOCUMENT);
      this.#whole = this.#check("");
    } catch (cause) {
      const why = cause instanceof RangeError
        ? "its references are nested too deep"
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
   * @throws {WorkSpent} when that takes too many steps
   */
  complaint(value: unknown): Complaint | undefined {
    return this.#whole(value);
  }

  /** Whether a value is valid under a schema of the document. @throws {WorkSpent} */
  accepts(node: SchemaNode, value: unknown): boolean {
    return this.#check(node.pointer)(value) === undefined;
  }

  #check(pointer: string): (value: unknown) => Complaint | undefined {
    const path = pointer.split("/").map(encodeURIComponent).join("/");
    const validate = this.#ajv.getSchema(`${DOCUMENT}#${path}`);
    if (validate === undefined) throw new TypeError(`there is no schema at ${pointer}`);
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
  return error instanceof WorkSpent || error instanceof RangeError ||
    (error instanceof Error && error.name === "InternalError");
}

function ajvFor(document: SchemaDocument, meter: WorkMeter): Ajv {
  const regExp = Object.assign((pattern: string) => {
    const linear = linearPattern(pattern);
    return {
      toString: () => pattern, // by which Ajv tells patterns apart
      test(text: string) {
        meter.spend(linear.steps(text));
        return linear.test(text);
      },
    };
  }, { code: "linearPattern" });
  const ajv = bare(document.dialect, {
    code: { regExp },
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
  ajv.addKeyword({
    keyword: STEPS_KEYWORD,
    schemaType: "number",
    code({ gen, schema }: KeywordCxt) {
      const steps = gen.scopeValue("func", { ref: meter });
      gen.code(_`${steps}.spend(${schema})`);
    },
  });
  addEqualities(ajv, meter);
  return ajv;
}

function bare(dialect: Dialect, options: Options): Ajv {
  const all: Options = { strict: false, logger: false, ...options };
  return dialect === "draft-07" ? new Ajv(all) : new Ajv2020(all) as unknown as Ajv;
}

function addBoundedFormats(ajv: Ajv, meter: WorkMeter): void {
  addFormats.default(ajv, [...FORMATS] as FormatName[]);
  for (const [name, format] of Object.entries(ajv.formats)) {
    const check = typeof format === "object" && "validate" in format ? format.validate : format;
    const isRight = check instanceof RegExp
      ? (text: string) => check.test(text)
      : typeof check === "function"
      ? check as (text: string) => boolean
      : undefined;
    const isNumber = typeof format === "object" && "type" in format && format.type === "number";
    if (isRight === undefined || isNumber) continue;
    ajv.addFormat(name, (text: string) => {
      if (text.length > FORMAT_CHARS_MAX) return false;
      meter.spend(1 + text.length + text.length ** 2 / FORMAT_SQUARE);
      return isRight(text);
    });
  }
}

/**
 * The keywords that ask whether values are equal. Ajv's own compare each with each, and trip over
 * members such as `valueOf`.
 */
function addEqualities(ajv: Ajv, meter: WorkMeter): void {
  const isAmong = (values: readonly unknown[]) => {
    const texts = new Set(values.map(canonicalJson));
    return (value: unknown) => {
      const text = canonicalJson(value);
      meter.spend(1 + EQUALITY_STEPS * text.length);
      return texts.has(text);
    };
  };
  for (const keyword of ["uniqueItems", "enum", "const"]) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: "uniqueItems",
    type: "array",
    schemaType: "boolean",
    compile: (isAsked: boolean) => (items: unknown[]) => !isAsked || areUnique(items, meter),
    error: { message: "must not have duplicate items" },
  });
  ajv.addKeyword({
    keyword: "enum",
    schemaType: "array",
    compile: isAmong,
    error: {
      message: "must be one of the listed values",
      params: ({ schemaCode }) => _`{allowedValues: ${schemaCode}}`,
    },
  });
  ajv.addKeyword({
    keyword: "const",
    compile: (value: unknown) => isAmong([value]),
    error: {
      message: "must be the value that is given",
      params: ({ schemaCode }) => _`{allowedValue: ${schemaCode}}`,
    },
  });
}

function areUnique(items: readonly unknown[], meter: WorkMeter): boolean {
  const seen = new Set<string>();
  for (const item of items) {
    const text = canonicalJson(item);
    meter.spend(1 + EQUALITY_STEPS * text.length);
    if (seen.has(text)) return false;
    seen.add(text);
  }
  return true;
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
function checkParts({ pointer, schema }: SchemaNode): void {
  if (typeof schema === "boolean") return;
  const { pattern, format, patternProperties } = schema;
  if (typeof format === "string" && !FORMATS.has(format)) {
    throw refused(`${pointer}/format`, `${shown(format)} is no format that is known`);
  }
  if (typeof pattern === "string") checkPattern(`${pointer}/pattern`, pattern);
  for (const each of Object.keys(patternProperties ?? {})) {
    checkPattern(`${pointer}/patternProperties`, each);
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

/** The schema as Ajv gets it: without names, references by place, the steps of each part written down. */
function prepared(document: SchemaDocument): SchemaJson {
  return copyOf(document, document.root.schema);
}

function copyOf(document: SchemaDocument, schema: SchemaJson): SchemaJson {
  if (typeof schema === "boolean") return schema;
  const copy: Record<string, unknown> = {};
  let steps = 0;
  for (const [keyword, value] of Object.entries(schema)) {
    const isAnnotation = ANNOTATIONS.has(keyword);
    if (!isAnnotation) steps += 1 + sizeOf(value);
    const holds = holdsOf(document.dialect, keyword);
    if (holds === "nothing") {
      if (isAnnotation) continue;
      copy[keyword] = keyword === "$ref" ? refTo(document.target(value as string)!) : value;
    } else if (Array.isArray(value)) copy[keyword] = value.map((each) => copyOf(document, each));
    else if (holds === "schema" || holds === "schema or schemas") {
      copy[keyword] = copyOf(document, value as SchemaJson);
    } else copy[keyword] = copyOfMembers(document, value as Record<string, SchemaJson | string[]>);
  }
  if (steps > 0) copy[STEPS_KEYWORD] = steps;
  return copy;
}

function copyOfMembers(
  document: SchemaDocument,
  members: Readonly<Record<string, SchemaJson | readonly string[]>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([name, member]) => [
      name,
      Array.isArray(member) ? member : copyOf(document, member as SchemaJson),
    ]),
  );
}

function refTo({ pointer }: SchemaNode): string {
  return `#${pointer.split("/").map(encodeURIComponent).join("/")}`;
}

function asksForTheRest({ schema }: SchemaNode): boolean {
  return typeof schema !== "boolean" &&
    (schema.unevaluatedProperties !== undefined || schema.unevaluatedItems !== undefined);
}

/** What a keyword has to look through. */
function sizeOf(value: unknown): number {
  return typeof value === "object" && value !== null ? Object.keys(value).length : 0;
}
