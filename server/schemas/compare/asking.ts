/**
 * What the parts of a comparison ask of the whole.
 *
 * @module
 */
import type { SchemaNode } from "../schema_document.ts";
import type { Facts } from "./facts.ts";

/** Where a schema refuses what it should accept, and why. */
export interface Gap {
  /** A JSON pointer into the schema. */
  readonly path: string;
  readonly reason: string;
}

/** Questions that one part of a schema leads to. Answers are sure, or they are no. */
export interface Asking {
  /** Where a schema may refuse a document of which this is known; `undefined` when it never does. */
  gap(facts: Facts, node: SchemaNode): Gap | undefined;
  /** The same of a part of the document. */
  gapInside(facts: Facts, node: SchemaNode): Gap | undefined;
  /** Whether there is surely no such document. */
  isEmpty(facts: Facts): boolean;
  /** Whether a value is valid under a schema. */
  accepts(node: SchemaNode, value: unknown): boolean;
  /** Whether a name has a pattern in it. */
  matches(pattern: string, name: string): boolean;
}

/** One keyword of a schema, asked of documents. */
export interface Question {
  readonly asking: Asking;
  /** What is known of the documents. */
  readonly facts: Facts;
}

/** A gap at a keyword. */
export function gapAt(node: SchemaNode, keyword: string, reason: string): Gap {
  return { path: `${node.pointer}/${keyword}`, reason };
}
