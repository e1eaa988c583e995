import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { allows, parseGrants } from "../../../server/access/grant.ts";
import { ANYBODY, demand, isOperator, mayDo, STRANGER } from "../../../server/access/principal.ts";

const principal = (grants: string, tenant = "default") => ({
  name: "p",
  tenant,
  grants: parseGrants(grants),
  isKnown: true,
});

test("a grant is scopes for the topics of a pattern", () => {
  const p = principal("produce,consume:orders.*;consume:audit");
  for (
    const [scope, topic, may] of [
      ["produce", "orders.eu", true],
      ["consume", "orders.", true],
      ["produce", "orders", false],
      ["admin", "orders.eu", false],
      ["consume", "audit", true],
      ["produce", "audit", false],
      ["consume", "audit2", false],
    ] as const
  ) {
    assert.equal(mayDo(p, scope, topic), may, `${scope} ${topic}`);
  }
});

test("admin is everything with its topics, and without a pattern it is all topics", () => {
  assert.ok(mayDo(principal("admin:a*"), "produce", "abc"));
  assert.ok(!mayDo(principal("admin:a*"), "consume", "b"));
  assert.ok(mayDo(principal("consume"), "consume", "anything/at all"));
  assert.ok(isOperator(principal("admin")));
  assert.ok(!isOperator(principal("admin", "acme")));
  assert.ok(!isOperator(principal("admin:a*")));
  assert.ok(!isOperator(principal("produce,consume")));
});

test("what the server keeps for itself is nobody's, not even an operator's", () => {
  for (const scope of ["produce", "consume", "admin"] as const) {
    assert.ok(!mayDo(principal("admin"), scope, "__seglog/credentials"));
  }
  assert.throws(() => demand(ANYBODY, "consume", "__seglog/credentials"), { code: "not-found" });
});

test("a stranger is asked for credentials, somebody known is refused", () => {
  assert.throws(() => demand(STRANGER, "consume", "a"), { code: "unauthenticated" });
  assert.throws(() => demand(principal("consume:b"), "consume", "a"), { code: "forbidden" });
});

test("what grants nothing is refused, and says why", () => {
  for (const text of ["", "read", "produce,:a", "produce:", "consume:a;", "Produce:a"]) {
    assert.throws(() => parseGrants(text), { code: "invalid-argument" }, text);
  }
  assert.throws(() => parseGrants("x".repeat(5000)), /longer than/);
  assert.throws(() => parseGrants(Array(40).fill("consume:a").join(";")), /more than 32/);
});

test("a pattern fits the names that the same regular expression fits", () => {
  const letters = (...chars: string[]) =>
    fc.array(fc.constantFrom(...chars), { maxLength: 8 }).map((all) => all.join(""));
  fc.assert(fc.property(letters("a", "b", "*"), letters("a", "b", "/"), (pattern, name) => {
    const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "s").test(name);
    assert.equal(allows({ scopes: ["consume"], pattern }, "consume", name), expected);
  }));
});

test("a pattern of stars takes no longer for a long name that does not fit", () => {
  const pattern = "a*".repeat(100) + "b";
  assert.ok(!allows({ scopes: ["consume"], pattern }, "consume", "a".repeat(20_000)));
});
