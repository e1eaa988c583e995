import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeChecked, encodeChecked } from "../../core/base/checked_document.ts";

test("a document is taken for what it says it is, and for nothing else", () => {
  const bytes = encodeChecked("store", { topics: [] });
  assert.deepEqual(decodeChecked("store", bytes, "store.json"), { topics: [] });
  assert.throws(() => decodeChecked("partition", bytes, "partition.json"), {
    code: "corrupt",
    message: "Cannot open partition.json: it is not a seglog partition file",
  });
});
