/**
 * A schema that was looked through: its dialect is known, each schema in it has a place, and each
 * reference leads to one of them.
 *
 * @module
 */
import { findSimilar } from "@optique/core/suggestion";
import { SeglogError } from "../../core/base/errors.ts";
import { ANNOTATIONS, type Dialect, dialectOf, holdsOf, IN_PLACE, keywordsOf } from "./keywords.ts";
import {
  SCHEMA_CHARS_MAX,
  SCHEMA_DEPTH_MAX,
  SCHEMA_LIST_MAX,
  SCHEMA_MEMBERS_MAX,
} from "./limits.ts";

/** A schema as JSON: what any value fits, what none does, or keywords. */
export type SchemaJson = boolean | SchemaObject;

/** Keywords with what they say. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** One schema within a document. */
export interface SchemaNode {
  readonly document: SchemaDocument;
  /** Its place: a JSON pointer, empty for the whole. */
  readonly pointer: string;
  readonly schema: SchemaJson;
}

/** A schema with all the schemas in it. */
export class SchemaDocument {
  readonly dialect: Dialect;
  /** The whole. */
  readonly root: SchemaNode;
  readonly #nodes = new Map<string, SchemaNode>();
  readonly #anchors = new Map<string, SchemaNode>();
  readonly #id: string | undefined;

  /**
   * Looks through a schema.
   *
   * @param given as `JSON.parse` gives it
   * @throws {SeglogError} `invalid-argument` for what is no schema, or one that is not taken, with
   * the `path` in its details; `too-large`
   */
  constructor(given: unknown) {
    checkNesting(given, "", 0);
    const text: string = JSON.stringify(given ?? null);
    if (text.length > SCHEMA_CHARS_MAX) {
      throw new SeglogError(
        "too-large",
        `Cannot use the schema: it has ${text.length} characters, ${SCHEMA_CHARS_MAX} at most`,
        { details: { limit: SCHEMA_CHARS_MAX } },
      );
    }
    const schema: unknown = JSON.parse(text); // as it will be read again: numbers may be too large
    const named = isObject(schema) ? schema.$schema : undefined;
    const dialect = dialectOf(named);
    if (dialect === undefined) {
      throw refused("/$schema", `${shown(named)} is none of the dialects 2020-12 and draft-07`);
    }
    this.dialect = dialect;
    this.#id = isObject(schema) && typeof schema.$id === "string"
      ? schema.$id.replace(/#$/, "")
      : undefined;
    this.root = this.#visit(schema, "");
    for (const node of this.#nodes.values()) this.#checkRef(node);
    this.#checkLoops();
  }

  /** All schemas, the whole included. */
  get nodes(): Iterable<SchemaNode> {
    return this.#nodes.values();
  }

  /** The schema at a place. */
  at(pointer: string): SchemaNode {
    const node = this.#nodes.get(pointer);
    if (node === undefined) throw new TypeError(`there is no schema at ${pointer}`);
    return node;
  }

  /** The schema that a reference leads to; `undefined` when it leads out of the document. */
  target(ref: string): SchemaNode | undefined {
    const [url, fragment = ""] = splitRef(ref);
    if (url !== "" && url !== this.#id) return undefined;
    if (fragment === "" || fragment === "/") return this.root;
    return fragment.startsWith("/") ? this.#nodes.get(fragment) : this.#anchors.get(fragment);
  }

  #visit(schema: unknown, pointer: string): SchemaNode {
    if (typeof schema !== "boolean" && !isObject(schema)) {
      throw refused(pointer, "a schema is an object, true or false");
    }
    const node: SchemaNode = { document: this, pointer, schema };
    this.#nodes.set(pointer, node);
    if (typeof schema === "boolean") return node;
    for (const [keyword, value] of Object.entries(schema)) this.#visitKeyword(node, keyword, value);
    if (typeof schema.$anchor === "string") {
      if (this.#anchors.has(schema.$anchor)) {
        throw refused(`${pointer}/$anchor`, `${shown(schema.$anchor)} names two schemas`);
      }
      this.#anchors.set(schema.$anchor, node);
    }
    return node;
  }

  #visitKeyword({ pointer: parent }: SchemaNode, keyword: string, value: unknown): void {
    const pointer = `${parent}/${escapeToken(keyword)}`;
    const holds = holdsOf(this.dialect, keyword);
    if (holds === undefined) throw this.#unknown(pointer, keyword);
    if (parent !== "" && (keyword === "$id" || keyword === "$schema")) {
      throw refused(
        pointer,
        `only the whole schema has ${keyword}: refer to parts by #/$defs/NAME`,
      );
    }
    if (holds === "nothing") return;
    if (holds === "schema" || (holds === "schema or schemas" && !Array.isArray(value))) {
      this.#visit(value, pointer);
    } else if (holds === "schemas" || holds === "schema or schemas") {
      if (!Array.isArray(value)) throw refused(pointer, "a list of schemas is needed");
      checkCount(pointer, value.length, SCHEMA_LIST_MAX);
      value.forEach((schema, index) => this.#visit(schema, `${pointer}/${index}`));
    } else {
      if (!isObject(value)) throw refused(pointer, "an object of schemas is needed");
      if (!ANNOTATIONS.has(keyword)) {
        checkCount(pointer, Object.keys(value).length, SCHEMA_MEMBERS_MAX);
      }
      for (const [name, schema] of Object.entries(value)) {
        if (holds === "dependencies" && Array.isArray(schema)) continue;
        this.#visit(schema, `${pointer}/${escapeToken(name)}`);
      }
    }
  }

  #unknown(pointer: string, keyword: string): SeglogError {
    const [nearest] = findSimilar(keyword, keywordsOf(this.dialect));
    const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
    return refused(pointer, `${shown(keyword)} is no keyword that is taken here${meant}`);
  }

  #checkRef({ pointer, schema }: SchemaNode): void {
    if (typeof schema === "boolean" || schema.$ref === undefined) return;
    const { $ref } = schema;
    if (typeof $ref === "string" && this.target($ref) !== undefined) return;
    throw refused(
      `${pointer}/$ref`,
      `${shown($ref)} leads to no schema in this one, and others are not fetched; ` +
        "write #, #/$defs/NAME or an anchor",
    );
  }

  /** A schema that asks itself of the same value would never end. */
  #checkLoops(): void {
    const done = new Set<SchemaNode>();
    const visit = (node: SchemaNode, trail: Set<SchemaNode>) => {
      if (trail.has(node)) {
        throw refused(node.pointer, "it refers to itself without looking at a part of the value");
      }
      if (done.has(node)) return;
      trail.add(node);
      for (const next of this.#inPlace(node)) visit(next, trail);
      trail.delete(node);
      done.add(node);
    };
    for (const node of this.#nodes.values()) visit(node, new Set());
  }

  /** The schemas that are asked of the same value. */
  #inPlace({ pointer, schema }: SchemaNode): SchemaNode[] {
    if (typeof schema === "boolean") return [];
    const next = typeof schema.$ref === "string" ? [this.target(schema.$ref)!] : [];
    for (const keyword of Object.keys(schema)) {
      if (IN_PLACE.has(keyword)) {
        next.push(...this.#under(`${pointer}/${keyword}`, schema[keyword]));
      }
    }
    return next;
  }

  #under(pointer: string, value: unknown): SchemaNode[] {
    const own = this.#nodes.get(pointer);
    if (own !== undefined) return [own];
    return Object.keys(value as object)
      .flatMap((name) => this.#nodes.get(`${pointer}/${escapeToken(name)}`) ?? []);
  }
}

/** A name as part of a JSON pointer. */
function escapeToken(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The error for a schema that is not taken. */
export function refused(path: string, why: string, cause?: unknown): SeglogError {
  const where = path === "" ? "" : `at ${path}: `;
  return new SeglogError("invalid-argument", `Cannot use the schema: ${where}${why}`, {
    cause,
    details: { path },
  });
}

/** A value as part of a message. */
export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}

/** What is side by side becomes code that is nested as deep, which takes time as its square. */
function checkCount(pointer: string, count: number, most: number): void {
  if (count > most) throw refused(pointer, `it has ${count} schemas, ${most} at most`);
}

/** `__proto__` is no name like others to any code that is made from a schema. */
function checkNesting(value: unknown, pointer: string, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth >= SCHEMA_DEPTH_MAX) {
    throw refused(pointer, `it is nested deeper than ${SCHEMA_DEPTH_MAX}`);
  }
  for (const [name, member] of Object.entries(value)) {
    const path = `${pointer}/${escapeToken(name)}`;
    if (name === "__proto__") throw refused(path, "__proto__ is no name that a schema can have");
    checkNesting(member, path, depth + 1);
  }
}

function splitRef(ref: string): [url: string, fragment: string] {
  const hash = ref.indexOf("#");
  if (hash < 0) return [ref, ""];
  try {
    return [ref.slice(0, hash), decodeURIComponent(ref.slice(hash + 1))];
  } catch {
    return [ref, ""]; // no percent-encoding of UTF-8: it leads nowhere
  }
}
