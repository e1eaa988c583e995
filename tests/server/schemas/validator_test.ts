import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SchemaDocument } from "../../../server/schemas/schema_document.ts";
import { isSpent, Validator } from "../../../server/schemas/validator.ts";
import { jsonRequest, openApp, problemOf } from "../support.ts";
import { addSchema } from "./schema_support.ts";

const records = "/v1/topics/t/records";

function complaint(schema: unknown, value: unknown) {
  const validator = new Validator(new SchemaDocument(schema));
  validator.begin();
  return validator.complaint(value);
}

function refusal(schema: unknown): string {
  try {
    new Validator(new SchemaDocument(schema));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`it is taken: ${JSON.stringify(schema)}`);
}

describe("a document", () => {
  test("is told the path that failed, and what it should be", () => {
    const cases: [schema: unknown, value: unknown, path: string, reason: RegExp][] = [
      [{ type: "object" }, 1, "", /must be object/],
      [{ properties: { a: { items: { minimum: 3 } } } }, { a: [3, 2] }, "/a/1", /must be >= 3/],
      [{ properties: { "a/b~": false } }, { "a/b~": 1 }, "/a~1b~0", /must not be there/],
      [{ additionalProperties: false }, { x: 1 }, "", /must not have the property "x"/],
      [{ unevaluatedProperties: false }, { x: 1 }, "", /must not have the property "x"/],
      [{ enum: ["a", 1] }, "b", "", /must be one of \["a",1\]/],
      [{ const: { a: 1 } }, {}, "", /must be \{"a":1\}/],
      [{ propertyNames: { maxLength: 2 } }, { abc: 1 }, "", /the name "abc" must not have more/],
      [{ anyOf: [{ type: "null" }, { type: "string" }] }, 1, "", /be null, or must be string/],
      [
        { anyOf: [{ type: "null" }, { properties: { a: { type: "string" } } }] },
        { a: 1 },
        "/a",
        /must be string/,
      ],
      [{ oneOf: [true, true] }, 1, "", /fits two/],
      [{ uniqueItems: true }, [1, 2, 1], "", /duplicate/],
      [{ format: "date-time" }, "yesterday", "", /must match format "date-time"/],
    ];
    for (const [schema, value, path, reason] of cases) {
      const found = complaint(schema, value);
      assert.equal(found?.path, path, JSON.stringify([schema, found]));
      assert.match(found!.reason, reason);
    }
  });

  test("has no members but its own", () => {
    assert.ok(complaint({ required: ["toString"] }, {}));
    assert.equal(complaint({ properties: { constructor: { type: "string" } } }, {}), undefined);
    const proto = JSON.parse('{"__proto__":{"a":1}}');
    assert.match(complaint({ additionalProperties: false }, proto)!.reason, /__proto__/);
    assert.equal(complaint({ maxProperties: 1, minProperties: 1 }, proto), undefined);
    assert.ok(complaint({ required: ["a"] }, proto), "it is not looked for behind __proto__");
    assert.equal(complaint({ enum: [{ a: 1 }] }, JSON.parse('{"valueOf":1}'))?.path, "");
  });

  test("equals another whatever the order of members, and one number however it is written", () => {
    assert.equal(complaint({ const: { a: 1, b: [2] } }, { b: [2.0], a: 1 }), undefined);
    assert.ok(complaint({ uniqueItems: true }, [{ a: 1, b: 2 }, { b: 2, a: 1 }]));
    assert.equal(complaint({ uniqueItems: true }, [1, "1", [1], { 1: 1 }, true]), undefined);
  });

  test("that is a list shorter than there are places is checked all the same", () => {
    const prefixItems = [{ type: "integer" }, { type: "integer" }];
    const draft07 = { $schema: "http://json-schema.org/draft-07/schema#", items: prefixItems };
    for (const places of [{ prefixItems }, draft07]) {
      assert.match(complaint({ ...places, contains: { const: 1 } }, [])!.reason, /contain/);
      assert.match(complaint({ ...places, contains: { const: 1 } }, [2])!.reason, /contain/);
      assert.equal(complaint({ ...places, contains: { const: 1 } }, [1]), undefined);
    }
    const wide = [...prefixItems, { type: "integer" }];
    assert.ok(complaint({ prefixItems: wide, uniqueItems: true }, [1, 1]));
    assert.ok(complaint({ prefixItems, items: false }, [1, 1, 1]));
    assert.ok(complaint({ prefixItems, unevaluatedItems: false }, [1, 1, 1]));
    assert.equal(complaint({ prefixItems, unevaluatedItems: false }, [1]), undefined);
  });

  test("each of several patterns is looked for by itself", () => {
    const schema = { patternProperties: { "^a": { type: "string" }, "b$": { type: "null" } } };
    assert.equal(complaint(schema, { a1: "x", b: null }), undefined);
    assert.equal(complaint(schema, { a1: null })?.path, "/a1");
    assert.equal(complaint(schema, { xb: "x" })?.path, "/xb");
  });
});

describe("what would take for ever ends in time", () => {
  const endsSoon = (run: () => void) => {
    const startMs = performance.now();
    run();
    const ms = performance.now() - startMs;
    assert.ok(ms < 30_000, `${ms} ms`);
  };

  test("patterns that backtrack elsewhere are linear, in values and in names", () => {
    const evil = "^(a+)+$";
    const text = `${"a".repeat(60_000)}!`;
    endsSoon(() => assert.ok(complaint({ pattern: evil }, text)));
    endsSoon(() =>
      assert.equal(
        complaint({ patternProperties: { [evil]: false }, properties: { [text]: true } }, {
          [text]: 1,
        }),
        undefined,
      )
    );
  });

  test("a pattern that is matched slowly is not matched often", () => {
    const schema = { items: { not: { pattern: "^(?:[ab]*a[ab]{200})+[cd]$" } } };
    const value = new Array(1000).fill("ab".repeat(5000));
    endsSoon(() => assert.throws(() => complaint(schema, value), isSpent));
  });

  test("definitions that each refer twice to the next", () => {
    const $defs: Record<string, unknown> = { d40: { type: "integer" } };
    for (let i = 0; i < 40; i++) {
      const next = { $ref: `#/$defs/d${i + 1}` };
      $defs[`d${i}`] = { allOf: [next, next] };
    }
    const whole = { $ref: "#/$defs/d0", $defs };
    endsSoon(() => assert.throws(() => complaint(whole, 1), isSpent));
    $defs.d40 = { minimum: 1 };
    endsSoon(() =>
      assert.match(refusal(whole), /checking a value against it takes too many steps/)
    );
  });

  test("alternatives that each look at all that is below", () => {
    const schema = {
      anyOf: ["x", "y"].map((name) => ({
        allOf: [{ properties: { c: { $ref: "#" } } }, { required: [name] }],
      })),
    };
    let value: unknown = { y: 1 };
    for (let i = 0; i < 60; i++) value = { c: value, y: 1 };
    endsSoon(() => assert.throws(() => complaint(schema, value), isSpent));
  });

  test("many items that must differ", () => {
    const items = Array.from({ length: 200_000 }, (_, i) => ({ i }));
    endsSoon(() => assert.equal(complaint({ uniqueItems: true }, items), undefined));
  });

  test("long texts of a format", () => {
    for (const format of ["uri", "email", "uri-template", "date-time", "ipv6", "url"]) {
      endsSoon(() => assert.ok(complaint({ format }, "a:".repeat(5_000_000))));
      endsSoon(() => {
        try {
          complaint({ items: { format } }, new Array(1000).fill("http://a.".repeat(800)));
        } catch (error) {
          assert.ok(isSpent(error));
        }
      });
    }
  });

  test("over HTTP it is the record that is refused, and the server goes on", async () => {
    await using opened = await openApp();
    const { app, store } = opened;
    await addSchema(app, "t", { schema: { items: { $ref: "#" } } });
    const deep = `{"value":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const tooDeep = await problemOf(
      await app.request(records, jsonRequest("POST", deep)),
      422,
      "invalid-record",
    );
    assert.match(tooDeep.detail, /nested too deep/);
    const items = { $ref: "#" };
    const double = { anyOf: [{ allOf: [{ items }, { maxItems: 0 }] }, { items }] };
    await addSchema(app, "t", {
      schema: double,
      compatibility: "none",
    });
    let value: unknown = null;
    for (let i = 0; i < 60; i++) value = [value];
    const response = await app.request(records, jsonRequest("POST", { value }));
    const spent = await problemOf(response, 422, "invalid-record");
    assert.match(spent.detail, /too many steps/);
    assert.equal((await store.bounds("t")).nextOffset, 0);
    assert.equal((await app.request(records, jsonRequest("POST", { value: [] }))).status, 200);
  });
});

describe("a schema", () => {
  test("that is none is refused, with the place", () => {
    const cases: [schema: unknown, message: RegExp][] = [
      [7, /a schema is an object, true or false/],
      [{ type: "objekt" }, /at \/type: must be one of/],
      [{ requird: ["a"] }, /at \/requird: .*did you mean required\?/],
      [{ properties: { a: { minimun: 1 } } }, /at \/properties\/a\/minimun: .*mean minimum\?/],
      [{ properties: [] }, /at \/properties: an object of schemas is needed/],
      [{ anyOf: {} }, /at \/anyOf: a list of schemas is needed/],
      [{ minLength: -1 }, /at \/minLength: must be >= 0/],
      [{ format: "e-mail" }, /at \/format: "e-mail" is no format that is known/],
      [{ nullable: true, type: "string" }, /at \/nullable/],
      [{ $async: true }, /at \/\$async/],
      [{ $schema: "http://json-schema.org/draft-04/schema#" }, /at \/\$schema: .*draft-07/],
      [{ $schema: "http://json-schema.org/draft-07/schema#", prefixItems: [] }, /at \/prefixItems/],
      [JSON.parse('{"properties":{"__proto__":{}}}'), /at \/properties\/__proto__/],
      [JSON.parse('{"const":{"__proto__":{}}}'), /at \/const\/__proto__/],
    ];
    for (const [schema, message] of cases) assert.match(refusal(schema), message);
  });

  test("refers to itself by place, by anchor and by its own name, and to nothing else", () => {
    const $defs = { s: { $anchor: "short", type: "string", maxLength: 2 } };
    const $id = "https://example.org/order.json";
    for (const $ref of ["#/$defs/s", "#short", `${$id}#short`, "#/%24defs/s"]) {
      assert.ok(complaint({ $id, $defs, items: { $ref } }, ["abc"]), $ref);
    }
    assert.equal(complaint({ $id, properties: { a: { $ref: $id } } }, { a: {} }), undefined);
    for (
      const $ref of [
        ...["https://example.org/other.json", "other.json", "#nothing", "#/$defs/x", "#/enum/0"],
        ...["file:///etc/passwd", "#%zz", 7],
      ]
    ) {
      assert.match(
        refusal({ $id, $defs, enum: [{}], items: { $ref } }),
        /at \/items\/\$ref: .* leads to no schema in this one, and others are not fetched|must be/,
      );
    }
  });

  test("takes no name from another one, nor from the schema of schemas", () => {
    const $id = "https://json-schema.org/draft/2020-12/schema";
    assert.ok(complaint({ $id, type: "integer" }, "x"));
    assert.equal(complaint({ $id, type: "string" }, "x"), undefined);
    assert.match(refusal({ $defs: { a: { $id: "a" } } }), /at \/\$defs\/a\/\$id: only the whole/);
    const twice = { $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } };
    assert.match(refusal(twice), /"x" names two schemas/);
  });

  test("that refers to itself of the same value is refused: it would never end", () => {
    assert.match(refusal({ $ref: "#" }), /refers to itself without looking at a part/);
    const $defs = { a: { anyOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } };
    assert.match(refusal({ $defs }), /refers to itself/);
    assert.match(refusal({ dependentSchemas: { a: { $ref: "#" } } }), /refers to itself/);
  });

  test("that is nested too deep, or refers too deep, is refused", () => {
    let deep: unknown = {};
    for (let i = 0; i < 100_000; i++) deep = { not: deep };
    assert.match(refusal(deep), /nested deeper than 64/);
    const $defs: Record<string, unknown> = { d1500: {} };
    for (let i = 0; i < 1500; i++) $defs[`d${i}`] = { $ref: `#/$defs/d${i + 1}` };
    assert.match(refusal({ $ref: "#/$defs/d0", $defs }), /references are nested too deep/);
    const properties = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`p${i}`, {}]));
    assert.match(refusal({ properties }), /at \/properties: it has 1001 schemas, 1000 at most/);
    assert.match(refusal({ anyOf: new Array(101).fill({}) }), /at \/anyOf: it has 101 schemas/);
  });

  test("with as much as there may be is made ready in time", () => {
    const many = (count: number, schema: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, schema]));
    const alternatives = Array.from({ length: 100 }, (_, i) => ({ const: i }));
    const startMs = performance.now();
    assert.equal(complaint({ properties: many(1000, { type: "string" }) }, { p0: "" }), undefined);
    const wide = { properties: many(40, { anyOf: alternatives }) };
    assert.equal(complaint(wide, { p0: 99 }), undefined);
    assert.ok(performance.now() - startMs < 30_000);
  });

  test("with a pattern that cannot be matched in linear time is refused, and is told why", () => {
    for (const pattern of ["a(?=b)", "(a)\\1", "(?<!a)b"]) {
      assert.match(refusal({ pattern }), /at \/pattern: .* cannot be matched in linear time/);
    }
    assert.match(
      refusal({ patternProperties: { "(": {} } }),
      /at \/patternProperties: .*is not taken/,
    );
    assert.match(refusal({ pattern: "a".repeat(1001) }), /has 1001 characters, 1000 at most/);
    assert.match(refusal({ pattern: "(?:a{1000}){1000}" }), /at \/pattern/);
    assert.match(refusal({ pattern: "\\A" }), /at \/pattern/, "of RE2, and not of ECMAScript");
  });
});
