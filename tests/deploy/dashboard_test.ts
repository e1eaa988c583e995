/** The dashboard and the alerts ask for what the server has, and for all of it. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { openServer } from "../server/support.ts";
import { ROOT } from "../source_tree.ts";

const DASHBOARD = "deploy/grafana/seglog.json";
const ALERTS = "deploy/prometheus/alerts.yml";

/** Families that no panel and no alert needs, and why. */
const UNUSED: Readonly<Record<string, string>> = {
  seglog_log_start_offset: "where a topic begins says nothing of how it is",
  process_virtual_memory_bytes: "it says little on systems that give more than there is",
};

/** What Prometheus and Grafana add to the labels of a sample. */
const ADDED_LABELS = ["job", "instance", "le"];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly type: string; readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
}

interface Dashboard {
  readonly title: string;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly query: unknown;
    }[];
  };
  readonly annotations: { readonly list: readonly { readonly expr?: string }[] };
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const dashboard: Dashboard = JSON.parse(fs.readFileSync(join(ROOT, DASHBOARD), "utf8"));
const alerts: { groups: { name: string; rules: Rule[] }[] } = yamlIn(ALERTS);
const rules = alerts.groups.flatMap(({ rules }) => rules);

/** Every expression, and where it is. */
const expressions = [
  ...dashboard.panels.flatMap(({ title, targets }) =>
    (targets ?? []).map(({ expr }) => ({ place: `panel ${title}`, expr }))
  ),
  ...dashboard.annotations.list.flatMap(({ expr }) =>
    expr === undefined ? [] : [{ place: "an annotation", expr }]
  ),
  ...dashboard.templating.list.flatMap(({ name, query }) =>
    typeof query === "object" ? [{ place: `variable ${name}`, expr: JSON.stringify(query) }] : []
  ),
  ...rules.map(({ alert, expr }) => ({ place: `alert ${alert}`, expr })),
];

function yamlIn(path: string) {
  return parse(fs.readFileSync(join(ROOT, path), "utf8"));
}

/** What a server has: families with their types, and the labels that samples may have. */
async function exported() {
  await using opened = await openServer();
  await opened.store.append("orders", [{ value: "a" }]);
  await (await fetch(`${opened.url}/v1/topics/none`)).text();
  const text = await (await fetch(`${opened.url}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!]),
  );
}

/** The families that an expression asks for; of a histogram, all of its series are one. */
function familiesIn(expr: string, families: ReadonlyMap<string, string>): string[] {
  return [...expr.matchAll(/\b(?:seglog|process)_[a-z_]+\b/g)].map(([name]) => {
    const family = name.replace(/_(bucket|sum|count)$/, "");
    return families.get(family) === "histogram" ? family : name;
  });
}

test("every metric that a panel, a variable or an alert asks for is one of a running server", async () => {
  const families = await exported();
  const unknown = expressions.flatMap(({ place, expr }) =>
    familiesIn(expr, families).filter((name) => !families.has(name))
      .map((name) => `${place}: ${name}`)
  );
  assert.deepEqual(unknown, []);
  assert.ok(expressions.length > 60);
});

test("every metric of a server is asked for, or left out with a reason", async () => {
  const families = await exported();
  const used = new Set(expressions.flatMap(({ expr }) => familiesIn(expr, families)));
  const forgotten = [...families.keys()].filter((name) => !used.has(name) && !(name in UNUSED));
  assert.deepEqual(forgotten, []);
  assert.deepEqual(Object.keys(UNUSED).filter((name) => used.has(name) || !families.has(name)), []);
});

test("histograms are asked by bucket, and counters by how they grow", async () => {
  const families = await exported();
  for (const { place, expr } of expressions) {
    const plain = expr.replace(/\b(rate|increase|deriv|changes)\((?:[^()]|\([^()]*\))*\)/g, "");
    for (const [name] of plain.matchAll(/\bseglog_[a-z_]+\b/g)) {
      const isTotal = /^(Failed syncs|Damage|Quarantined)$/.test(place.replace("panel ", ""));
      if (families.get(name) === "counter") assert.ok(isTotal, `${place}: ${name} is not rated`);
      assert.notEqual(families.get(name.replace(/_bucket$/, "")), "histogram", `${place}: ${name}`);
    }
    for (const [, name] of expr.matchAll(/histogram_quantile\([\d.]+, sum by \(([^)]*)\)/g)) {
      assert.match(name!, /\ble\b/, place);
    }
  }
});

test("every label that is asked for is one that samples have", async () => {
  const source = ["meters.ts", "partition_samples.ts"]
    .map((name) => fs.readFileSync(join(ROOT, "server/metrics", name), "utf8")).join("");
  const labels = new Set([
    ...ADDED_LABELS,
    ...[...source.matchAll(/"([a-z]+)"/g)].map(([, label]) => label!),
  ]);
  const families = await exported();
  for (const { place, expr } of expressions.filter(({ place }) => !place.startsWith("variable"))) {
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) =>
      list!.split(/,\s*/)
    );
    const selected = [...expr.matchAll(/[{,]([a-z_]+)(?:=~|!=|=|!~)"/g)].map(([, label]) => label!);
    for (const label of [...grouped, ...selected]) {
      assert.ok(labels.has(label), `${place}: ${label}`);
    }
    assert.ok(familiesIn(expr, families).length > 0 || expr.startsWith("up{"), place);
    assert.ok(isBalanced(expr), `${place}: ${expr}`);
  }
});

test("the dashboard can be imported anywhere, and its panels lie side by side", () => {
  assert.equal(dashboard.uid, "seglog");
  assert.ok(dashboard.schemaVersion >= 41);
  const [source] = dashboard.templating.list;
  assert.deepEqual([source!.name, source!.type, source!.query], [
    "datasource",
    "datasource",
    "prometheus",
  ]);
  const variables = new Set(dashboard.templating.list.map(({ name }) => name));
  const asked = [...JSON.stringify(dashboard).matchAll(/\$\{?([a-z]+)\b/g)].map(([, name]) =>
    name!
  );
  assert.deepEqual(asked.filter((name) => !variables.has(name)), []);
  const ids = dashboard.panels.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  const cells = new Set<string>();
  for (
    const { type, title, description, datasource, gridPos, targets, fieldConfig } of dashboard
      .panels
  ) {
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(x < 24 && !cells.has(`${x},${y}`), `${title} lies on another panel`);
        cells.add(`${x},${y}`);
      }
    }
    if (type === "row") continue;
    assert.match(description ?? "", /^[A-Z].*\.$/, title);
    assert.equal(datasource?.uid, "${datasource}", title);
    assert.ok(targets !== undefined && targets.length > 0, title);
    assert.ok(type === "heatmap" || fieldConfig?.defaults.unit !== undefined, title);
  }
});

test("every alert says how bad it is, what it means, and what to do", () => {
  assert.ok(rules.length >= 15);
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
  for (const { alert, labels, annotations, for: lasting } of rules) {
    assert.match(alert, /^Seglog[A-Z]/);
    assert.match(labels.severity, /^(page|ticket)$/, alert);
    assert.ok(annotations.summary.length > 20 && !annotations.summary.endsWith("."), alert);
    assert.match(annotations.description, /\.$/, alert);
    if (lasting !== undefined) assert.match(lasting, /^\d+[smh]$/, alert);
  }
});

test("Prometheus is told where the server is, and where its alerts are", () => {
  const { rule_files: files, scrape_configs: [scrape] } = yamlIn(
    "deploy/prometheus/prometheus.yml",
  );
  for (const file of files) assert.ok(fs.existsSync(join(ROOT, "deploy/prometheus", file)));
  assert.equal(scrape.job_name, "seglog");
  assert.deepEqual(scrape.static_configs, [{ targets: ["127.0.0.1:8080"] }]);
});

/** Whether every bracket and quote of an expression is closed again. */
function isBalanced(expr: string): boolean {
  const open: string[] = [];
  for (const char of expr.replace(/"[^"]*"/g, "")) {
    if ("([{".includes(char)) open.push(char);
    const pair = { ")": "(", "]": "[", "}": "{" }[char];
    if (pair !== undefined && open.pop() !== pair) return false;
    if (char === '"') return false;
  }
  return open.length === 0;
}
