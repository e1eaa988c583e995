/** compose.yaml: that it is one, and that what it says is what the image and the program take. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { LIMIT_SETTINGS } from "../../cli/config/limit_settings.ts";
import { VERSION } from "../../core/base/version.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits.ts";
import { parseDuration } from "../../cli/units.ts";
import { ROOT } from "../source_tree.ts";
import { problemsOfCompose, wrongVariables } from "./compose_rules.ts";

interface Compose {
  readonly services: { readonly seglog: Service };
  readonly volumes: Readonly<Record<string, unknown>>;
}

interface Service {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck: { readonly test: readonly string[] };
  readonly stop_grace_period: string;
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
}

const compose: Compose = parse(fs.readFileSync(join(ROOT, "compose.yaml"), "utf8"));
const { seglog } = compose.services;

test("it is what the specification of compose files says", () => {
  assert.deepEqual(problemsOfCompose(compose), []);
  const broken = { ...compose, services: { seglog: { ...seglog, ports: "8080" } } };
  assert.notDeepEqual(problemsOfCompose(broken), [], "the schema sees what is wrong");
});

test("it runs this version, reached from this machine only, on a volume that it has", () => {
  assert.equal(seglog.image, `seglog:${VERSION}`);
  for (const port of seglog.ports) assert.match(port, /^127\.0\.0\.1:/);
  for (const volume of seglog.volumes) assert.ok(volume.split(":")[0]! in compose.volumes, volume);
  assert.ok(seglog.read_only);
  assert.deepEqual(seglog.cap_drop, ["ALL"]);
});

test("its variables are settings that may be so", () => {
  assert.deepEqual(wrongVariables(seglog.environment), []);
});

test("it is given more time to stop than the server takes, and asked as the image is", () => {
  assert.ok(parseDuration(seglog.stop_grace_period)! > DEFAULT_SERVER_LIMITS.stopMs);
  assert.equal(LIMIT_SETTINGS.stopMs.key, "limits.stop-time");
  const [kind, ...command] = seglog.healthcheck.test;
  assert.equal(kind, "CMD");
  const dockerfile = fs.readFileSync(join(ROOT, "Dockerfile"), "utf8");
  const asked = /HEALTHCHECK [^[]*(\[.*\])/.exec(dockerfile.replaceAll("\\\n", ""))![1]!;
  assert.deepEqual(command, JSON.parse(asked));
});
