/** What docs/observability.md says of metrics, alerts and logs is what there is. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { LOG_LEVELS } from "../../server/logger.ts";
import { Metrics } from "../../server/metrics/metrics.ts";
import { partitionSamples } from "../../server/metrics/partition_samples.ts";
import { ROOT } from "../source_tree.ts";

const text = fs.readFileSync(join(ROOT, "docs/observability.md"), "utf8");

/** What is known of a meter; the type of prom-client hides it. */
interface Meter {
  readonly name: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly help: string;
}

/** The rows of all tables whose first cell is code that begins so. */
function rowsOf(prefix: RegExp): string[][] {
  return text.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()))
    .filter(([name]) => prefix.test(name!));
}

async function meters(): Promise<Meter[]> {
  const registries = [new Metrics("0").registry, await partitionSamples([])];
  return registries.flatMap((registry) => registry.getMetricsAsArray() as unknown as Meter[]);
}

test("the tables of metrics have every metric, with its type, its labels and its help", async () => {
  const documented = rowsOf(/^`(seglog|process)_/).map((cells) => cells.join(" | "));
  const known = (await meters()).map(({ name, type, labelNames, help }) =>
    `\`${name}\` | ${type} | ${labelNames.map((label) => `\`${label}\``).join(", ")} | ${help}`
  );
  assert.deepEqual(documented.toSorted(), known.toSorted());
});

test("the table of alerts has every alert, and how bad it is", () => {
  const { groups } = parse(fs.readFileSync(join(ROOT, "deploy/prometheus/alerts.yml"), "utf8"));
  const rules = groups.flatMap(({ rules }: { rules: Record<string, unknown>[] }) => rules);
  const known = rules.map((
    { alert, labels }: { alert: string; labels: { severity: string } },
  ) => [`\`${alert}\``, labels.severity]);
  assert.deepEqual(rowsOf(/^`Seglog/).map(([alert, severity]) => [alert, severity]), known);
});

test("the levels and the files that are named are there", () => {
  for (const level of LOG_LEVELS) assert.ok(text.includes(`\`${level}\``), level);
  for (const [, path] of text.matchAll(/\]\(\.\.\/(deploy\/[^)]+)\)/g)) {
    assert.ok(fs.existsSync(join(ROOT, path!)), path!);
  }
});
