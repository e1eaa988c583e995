/**
 * What is known of a document: it is valid under each of some schemas.
 *
 * @module
 */
import type { SchemaNode, SchemaObject } from "../schema_document.ts";
import { ALL_KINDS, common, type Kind, kindsOf } from "./kinds.ts";

/** A schema with keywords. */
export interface ObjectNode extends SchemaNode {
  readonly schema: SchemaObject;
}

/** What a set of facts is made of. */
export interface FactParts {
  /** Schemas under which the document is valid, with those that they refer to. */
  readonly nodes: readonly SchemaNode[];
  /** Of each of these, at least one holds. */
  readonly eithers: readonly (readonly Facts[])[];
  /** The kinds that it may be of. */
  readonly kinds: ReadonlySet<Kind>;
  /** Members that it has, beside those that the schemas require. */
  readonly present: ReadonlySet<string>;
  /** Schemas whose choices were made: the outcome is among the facts. */
  readonly chosen: ReadonlySet<unknown>;
}

/** What is known of a document. It is never changed: more facts are other facts. */
export class Facts {
  readonly #parts: FactParts;
  #kinds: ReadonlySet<Kind> | undefined;
  #key: string | undefined;

  /** No facts at all, unless some are given. */
  constructor(parts: Partial<FactParts> = {}) {
    const { nodes = [], eithers = [], kinds = ALL_KINDS } = parts;
    const { present = new Set(), chosen = new Set() } = parts;
    this.#parts = { nodes, eithers, kinds, present, chosen };
  }

  /** The facts that a document is valid under these schemas. */
  static of(...nodes: readonly SchemaNode[]): Facts {
    return new Facts().with(...nodes);
  }

  /** Schemas with keywords under which it is valid. */
  get nodes(): readonly ObjectNode[] {
    return this.#parts.nodes.filter(hasKeywords);
  }

  /** All schemas under which it is valid, those that are only true or false included. */
  get all(): readonly SchemaNode[] {
    return this.#parts.nodes;
  }

  /** Sets of facts of which one holds. */
  get eithers(): readonly (readonly Facts[])[] {
    return this.#parts.eithers;
  }

  /** The kinds that the document may be of. */
  get kinds(): ReadonlySet<Kind> {
    this.#kinds ??= this.#parts.nodes.reduce(
      (kinds, node) => common(kinds, kindsOf(node)),
      this.#parts.kinds,
    );
    return this.#kinds;
  }

  /** The members that an object surely has. */
  get required(): Set<string> {
    const names = new Set(this.#parts.present);
    for (const { schema } of this.nodes) {
      for (const name of (schema.required ?? []) as string[]) names.add(name);
    }
    return names;
  }

  /** Whether it is known how the choices of a schema turned out. */
  isChosen(choice: unknown): boolean {
    return this.#parts.chosen.has(choice);
  }

  /** The same for all facts that are the same. */
  get key(): string {
    const { nodes, eithers, present, chosen } = this.#parts;
    this.#key ??= [
      nodes.map(idOf).toSorted().join(),
      eithers.map((either) => either.map(({ key }) => `(${key})`).join("|")).join("&"),
      [...this.kinds].toSorted().join(),
      JSON.stringify([...present].toSorted()),
      [...chosen].map((each) => idOf(each as object)).toSorted().join(),
    ].join(";");
    return this.#key;
  }

  /** With more schemas, and all that hold because these do. */
  with(...more: readonly SchemaNode[]): Facts {
    const nodes = new Set(this.#parts.nodes);
    for (const node of more) addNode(node, nodes);
    return nodes.size === this.#parts.nodes.length ? this : this.#but({ nodes: [...nodes] });
  }

  /** With all of other facts, too. */
  and(other: Facts): Facts {
    const { nodes, eithers, kinds, present } = other.#parts;
    return this.with(...nodes).#but({
      eithers: [...this.#parts.eithers, ...eithers],
      kinds: common(this.#parts.kinds, kinds),
      present: new Set([...this.#parts.present, ...present]),
    });
  }

  /** With sets of facts, of which one holds. */
  withEither(either: readonly Facts[]): Facts {
    return this.#but({ eithers: [...this.#parts.eithers, either] });
  }

  /** Of one kind. */
  ofKind(kind: Kind): Facts {
    return this.#but({ kinds: common(this.#parts.kinds, new Set([kind])) });
  }

  /** With a member that is there. */
  having(name: string): Facts {
    return this.#but({ present: new Set([...this.#parts.present, name]) });
  }

  /** With a choice made. */
  choosing(choice: unknown): Facts {
    return this.#but({ chosen: new Set([...this.#parts.chosen, choice]) });
  }

  #but(parts: Partial<FactParts>): Facts {
    return new Facts({ ...this.#parts, ...parts });
  }
}

/** Whether a schema has keywords. */
export function hasKeywords(node: SchemaNode): node is ObjectNode {
  return typeof node.schema !== "boolean";
}

/** The schema under a keyword of another one, where there is one. */
export function under(node: SchemaNode, ...path: readonly (string | number)[]): SchemaNode {
  const tokens = path.map((token) => String(token).replaceAll("~", "~0").replaceAll("/", "~1"));
  return node.document.at([node.pointer, ...tokens].join("/"));
}

/** The schemas in a list under a keyword. */
export function listUnder(node: ObjectNode, keyword: string): SchemaNode[] {
  const list = node.schema[keyword] as unknown[] | undefined;
  return (list ?? []).map((_, index) => under(node, keyword, index));
}

const ids = new WeakMap<object, number>();
let lastId = 0;

/** A number of its own for each object. */
export function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) ids.set(object, id = ++lastId);
  return id;
}

function addNode(node: SchemaNode, nodes: Set<SchemaNode>): void {
  if (node.schema === true || nodes.has(node)) return;
  nodes.add(node);
  if (!hasKeywords(node)) return;
  const { $ref } = node.schema;
  if (typeof $ref === "string") addNode(node.document.target($ref)!, nodes);
  for (const part of listUnder(node, "allOf")) addNode(part, nodes);
}
