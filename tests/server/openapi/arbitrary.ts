/** Values of a JSON Schema, as far as the document of the server uses it, and some that are not. */
import fc from "fast-check";

type Schema = { readonly [name: string]: unknown };

/** Finds what a `$ref` of a document points to. */
export function resolved(document: unknown, schema: unknown): Schema {
  let found = schema as Schema;
  for (let hops = 0; typeof found.$ref === "string"; hops++) {
    if (hops > 20) throw new Error(`${found.$ref} leads nowhere`);
    let at: unknown = document;
    for (const name of found.$ref.slice(2).split("/")) {
      at = (at as Record<string, unknown>)[name.replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    found = { ...at as Schema };
  }
  return found;
}

/** Mostly values that the schema describes. */
export function valueOf(document: unknown, schema: unknown, depth = 0): fc.Arbitrary<unknown> {
  const good = goodValueOf(document, schema, depth);
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: fc.jsonValue() });
}

function goodValueOf(document: unknown, given: unknown, depth: number): fc.Arbitrary<unknown> {
  const schema = resolved(document, given);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(schema.enum)) return fc.constantFrom(...schema.enum);
  const choices = (schema.oneOf ?? schema.anyOf) as unknown[] | undefined;
  if (choices !== undefined && schema.type === "object") {
    return fc.oneof(
      ...choices.map((each) => oneOfMembers(document, schema, each as Schema, depth)),
    );
  }
  if (choices !== undefined) {
    return fc.oneof(...choices.map((each) => valueOf(document, each, depth + 1)));
  }
  if (depth > 6) return fc.constant(null);
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  return fc.oneof(...types.map((type) => typedValue(document, { ...schema, type }, depth)));
}

/** An object that has some members or others: `oneOf` with nothing but what is required. */
function oneOfMembers(
  document: unknown,
  schema: Schema,
  choice: Schema,
  depth: number,
): fc.Arbitrary<unknown> {
  const others = (schema.oneOf as Schema[]).filter((each) => each !== choice)
    .flatMap(({ required }) => required as string[]);
  const members = Object.entries(schema.properties as Schema)
    .filter(([name]) => !others.includes(name));
  const required = [...(schema.required ?? []) as string[], ...choice.required as string[]];
  return typedValue(
    document,
    { ...schema, required, properties: Object.fromEntries(members) },
    depth,
  );
}

function typedValue(document: unknown, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case "string":
      return stringOf(schema);
    case "integer":
    case "number": {
      const min = Math.ceil(Number(schema.minimum ?? schema.exclusiveMinimum ?? -2));
      const max = Math.floor(Number(schema.maximum ?? min + 1000));
      return fc.oneof(fc.integer({ min, max: Math.min(max, min + 20) }), fc.integer({ min, max }));
    }
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    case "array": {
      const minLength = Number(schema.minItems ?? 0);
      const items = valueOf(document, schema.items ?? {}, depth + 1);
      return fc.array(items, { minLength, maxLength: Math.max(minLength, 3) });
    }
    case "object": {
      const properties = (schema.properties ?? {}) as Record<string, unknown>;
      const requiredKeys = ((schema.required ?? []) as string[]).filter((name) =>
        Object.hasOwn(properties, name)
      );
      const model = Object.fromEntries(
        Object.entries(properties).map((
          [name, each],
        ) => [name, valueOf(document, each, depth + 1)]),
      );
      const least = Object.fromEntries(requiredKeys.map((name) => [name, model[name]!]));
      return fc.oneof(
        { weight: 2, arbitrary: fc.record(model, { requiredKeys }) },
        { weight: 1, arbitrary: fc.record(least) },
      );
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function stringOf(schema: Schema): fc.Arbitrary<string> {
  const examples = (schema.examples ?? []) as string[];
  const shown = typeof schema.pattern === "string"
    ? fc.stringMatching(new RegExp(schema.pattern))
    : schema.format === "date-time"
    ? fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
    : fc.string({
      minLength: Number(schema.minLength ?? 0),
      maxLength: Math.min(Number(schema.maxLength ?? 12), 12),
      unit: "grapheme",
    });
  return examples.length === 0 ? shown : fc.oneof(fc.constantFrom(...examples), shown);
}
