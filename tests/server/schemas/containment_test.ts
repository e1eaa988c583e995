import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { findGap } from "../../../server/schemas/compare/comparison.ts";
import { SchemaDocument } from "../../../server/schemas/schema_document.ts";
import { Validator } from "../../../server/schemas/validator.ts";
import { seedOf } from "../../support/share.ts";
import { changes, documents, schemas } from "./random_schemas.ts";

const validator = (schema: unknown) => new Validator(new SchemaDocument(schema));

/** `undefined` for a schema that is not taken, as one that refers to itself. */
function validatorOf(schema: unknown): Validator | undefined {
  try {
    return validator(schema);
  } catch {
    return undefined;
  }
}

/** `undefined` where Ajv fails: the code that it makes for some nests of `unevaluatedProperties` is wrong. */
function isValid(validator: Validator, value: unknown): boolean | undefined {
  validator.begin();
  const complaint = validator.complaint(value);
  return complaint?.reason.startsWith("cannot be checked") ? undefined : complaint === undefined;
}

describe("containment", () => {
  test("what is said to be contained never has a document that is refused", () => {
    let contained = 0;
    fc.assert(
      fc.property(
        schemas,
        fc.array(changes, { minLength: 1, maxLength: 2 }),
        fc.array(documents, { minLength: 20, maxLength: 20 }),
        (schema, changing, values) => {
          const other = changing.reduce((changed, change) => change(changed), schema);
          if (JSON.stringify(schema) === JSON.stringify(other)) return;
          const [a, b] = [validatorOf(schema), validatorOf(other)];
          if (a === undefined || b === undefined) return;
          for (const [from, to] of [[a, b], [b, a]] as const) {
            if (findGap(from.document, to.document) !== undefined) continue;
            contained++;
            for (const value of values) {
              const isRefused = isValid(from, value) === true && isValid(to, value) === false;
              const three = [value, from.document.root.schema, to.document.root.schema];
              assert.ok(!isRefused, three.map((each) => JSON.stringify(each)).join("\n"));
            }
          }
        },
      ),
      { numRuns: 400, seed: seedOf(1) },
    );
    assert.ok(contained > 80, `only ${contained}`);
  });
});
