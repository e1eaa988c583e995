import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_SPECS, isErrorCode, messageOf, SeglogError } from "../../core/base/errors.ts";
import { absent, checkOffset, outOfRange } from "../../core/base/offset_errors.ts";

const GRPC_NAMES = new Set([
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "UNIMPLEMENTED",
  "DEADLINE_EXCEEDED",
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "DATA_LOSS",
  "INTERNAL",
  "UNKNOWN",
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
]);

test("every error code has an HTTP status, a gRPC status and an exit code that exist", () => {
  for (const [code, spec] of Object.entries(ERROR_SPECS)) {
    assert.ok(spec.http >= 400 && spec.http <= 599, code);
    assert.ok(GRPC_NAMES.has(spec.grpc), code);
    assert.ok(spec.exit >= 1 && spec.exit <= 6, code);
  }
});

test("isErrorCode() knows our codes and nothing that every object has", () => {
  assert.ok(isErrorCode("corrupt"));
  for (const other of ["toString", "__proto__", "Corrupt", "", 7, null, undefined]) {
    assert.equal(isErrorCode(other), false);
  }
});

test("an error keeps its cause and its details, and says what its code stands for", () => {
  const cause = new Error("EIO");
  const error = new SeglogError("locked", "Cannot open", { cause, details: { pid: 7 } });
  assert.ok(error instanceof Error);
  assert.equal(error.cause, cause);
  assert.deepEqual(error.details, { pid: 7 });
  assert.deepEqual([error.httpStatus, error.exitCode, error.retryable], [423, 6, true]);
  assert.equal("cause" in new SeglogError("io", "x"), false);
});

test("an offset below the first readable one is 410, one past the end is 416", () => {
  const bounds = { logStartOffset: 10, nextOffset: 20 };
  assert.equal(outOfRange("log", 9, bounds).httpStatus, 410);
  assert.equal(outOfRange("log", 20, bounds).httpStatus, 416);
  assert.match(outOfRange("log", 9, bounds).message, /first readable offset is 10/);
  assert.match(outOfRange("log", 21, bounds).message, /next record will get offset 20/);
  assert.deepEqual(outOfRange("log", 9, bounds).details, { offset: 9, ...bounds });
});

test("checkOffset() takes exactly the readable offsets", () => {
  const bounds = { logStartOffset: 10, nextOffset: 12 };
  for (const offset of [10, 11]) checkOffset("log", offset, bounds);
  for (const offset of [-1, 9, 12, NaN]) {
    assert.throws(() => checkOffset("log", offset, bounds), { code: "offset-out-of-range" });
  }
});

test("absent() is not-found and names the offset", () => {
  assert.equal(absent("log", 7).code, "not-found");
  assert.match(absent("log", 7).message, /offset 7/);
});

test("messageOf() takes whatever was thrown", () => {
  assert.equal(messageOf(new Error("a")), "a");
  assert.equal(messageOf("b"), "b");
  assert.equal(messageOf(undefined), "undefined");
});
