/**
 * Writes the golden segments and stores of `tests/golden/` that are not there yet. One that is there
 * is never written again: it stands for what older versions of seglog have written.
 *
 * `deno run -A scripts/make_golden.ts`
 *
 * @module
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { FORMAT_VERSION } from "../core/base/format_version.ts";
import { flatten } from "../tests/golden/flat_record.ts";
import { GOLDEN_STORES, makeGoldenStores } from "../tests/golden/golden_stores.ts";
import { encodeGoldenSegment, GOLDEN_SEGMENTS } from "../tests/golden/golden_segments.ts";
import { batchesOf } from "../tests/golden/read_segment.ts";

const folder = fileURLToPath(new URL(`../tests/golden/v${FORMAT_VERSION}/`, import.meta.url));
fs.mkdirSync(folder, { recursive: true });
for (const segment of GOLDEN_SEGMENTS) {
  const path = join(folder, `${segment.name}.log`);
  if (fs.existsSync(path)) continue;
  const bytes = encodeGoldenSegment(segment);
  const records = batchesOf(bytes).flatMap((batch) => [...batch.records()]);
  const lines = records.map((record) => `${JSON.stringify(flatten(record))}\n`);
  fs.writeFileSync(path, bytes);
  fs.writeFileSync(join(folder, `${segment.name}.ndjson`), lines.join(""));
  console.log(`${path}: ${bytes.length} bytes, ${lines.length} records`);
}
if (!GOLDEN_STORES.some((name) => fs.existsSync(join(folder, name)))) {
  await makeGoldenStores(folder);
  console.log(`${folder}: ${GOLDEN_STORES.join(", ")}`);
}
