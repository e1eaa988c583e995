/** The manifests: that Kubernetes would take them, and that they fit each other and the program. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { StatefulSet } from "kubernetes-models/apps/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Service } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";
import { examineConfigFile } from "../../cli/config/config_file.ts";
import { VERSION } from "../../core/base/version.ts";
import { ROUTES } from "../../server/routes/all.ts";
import { ROOT } from "../source_tree.ts";
import { tempDir } from "../support/temp_dir.ts";

const FOLDER = join(ROOT, "deploy/kubernetes");
const KINDS = { ConfigMap, Service, StatefulSet, PodDisruptionBudget, NetworkPolicy } as const;

interface Manifest {
  readonly apiVersion: string;
  readonly kind: keyof typeof KINDS;
  readonly metadata: { readonly name: string };
  // deno-lint-ignore no-explicit-any -- each kind has its own shape, which its model has checked
  readonly [part: string]: any;
}

const files = fs.readdirSync(FOLDER).filter((name) => name !== "kustomization.yaml").toSorted();
const manifests: Manifest[] = files.flatMap((name) =>
  parseAllDocuments(fs.readFileSync(join(FOLDER, name), "utf8")).map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [], name);
    return document.toJS();
  })
);

function only(kind: keyof typeof KINDS): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind);
  assert.equal(found.length, 1, kind);
  return found[0]!;
}

const statefulSet = only("StatefulSet");
const pod = statefulSet.spec.template.spec;
const [container] = pod.containers;

for (const manifest of manifests) {
  test(`${manifest.kind} ${manifest.metadata.name} is what its kind may be`, () => {
    const Model = KINDS[manifest.kind];
    assert.ok(Model !== undefined, `no model of ${manifest.kind}`);
    assert.equal(manifest.apiVersion, Model.apiVersion);
    // deno-lint-ignore no-explicit-any -- that it has the shape is what is to be found out
    new Model(manifest as any).validate();
  });
}

test("the models see what is wrong", () => {
  const wrong = structuredClone(statefulSet);
  wrong.spec.replicas = "one";
  // deno-lint-ignore no-explicit-any -- it is wrong
  assert.throws(() => new StatefulSet(wrong as any).validate(), /replicas/);
  const strange = structuredClone(statefulSet);
  strange.spec.template.spec.containers[0].image = 7;
  // deno-lint-ignore no-explicit-any -- it is wrong
  assert.throws(() => new StatefulSet(strange as any).validate(), /image/);
});

test("the kustomization names every manifest, and no other", () => {
  const kustomization = parse(fs.readFileSync(join(FOLDER, "kustomization.yaml"), "utf8"));
  assert.equal(kustomization.kind, "Kustomization");
  assert.deepEqual(kustomization.resources, files);
});

test("the settings in the config map are right, and are those of the pod", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "seglog.yaml");
  fs.writeFileSync(path, only("ConfigMap").data["seglog.yaml"]);
  const { file, problems } = examineConfigFile(path);
  assert.deepEqual(problems, []);
  const value = (key: string) => file.entries.get(key)?.value;
  const ports = Object.fromEntries(
    container.ports.map(({ name, containerPort }: { name: string; containerPort: number }) => [
      name,
      { host: "0.0.0.0", port: containerPort },
    ]),
  );
  assert.deepEqual(ports, { https: value("http"), grpc: value("grpc") });
  const mounted = (inside: unknown) =>
    container.volumeMounts.some(({ mountPath }: { mountPath: string }) =>
      String(inside) === mountPath || String(inside).startsWith(`${mountPath}/`)
    );
  for (const key of ["data", "tls.cert", "tls.key"]) assert.ok(mounted(value(key)), key);
  const dockerfile = fs.readFileSync(join(ROOT, "Dockerfile"), "utf8");
  assert.ok(mounted(/^ENV SEGLOG_CONFIG=(\S+)$/m.exec(dockerfile)![1]));
  assert.equal(container.env, undefined, "variables would be stronger than the settings");
  const graceMs = pod.terminationGracePeriodSeconds * 1000;
  assert.ok(
    graceMs > Number(value("limits.stop-time")),
    "it ends in good order before it is killed",
  );
});

test("probes ask what the server answers without credentials", () => {
  for (const name of ["startupProbe", "livenessProbe", "readinessProbe"]) {
    const { path, port, scheme } = container[name].httpGet;
    const route = ROUTES.find((each) => each.method === "GET" && each.path === path);
    assert.equal(route?.access.kind, "open", name);
    assert.deepEqual([port, scheme], ["https", "HTTPS"]);
  }
  assert.equal(container.livenessProbe.httpGet.path, "/livez");
  assert.equal(container.readinessProbe.httpGet.path, "/readyz");
});

test("the pod is as little as it can be: no root, no new rights, nothing to write but its volumes", () => {
  assert.equal(pod.securityContext.runAsNonRoot, true);
  assert.ok(pod.securityContext.runAsUser > 0);
  assert.equal(pod.automountServiceAccountToken, false);
  assert.equal(pod.enableServiceLinks, false);
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  assert.ok(container.resources.limits.memory);
  assert.equal(container.image, `seglog:${VERSION}`);
  const dockerfile = fs.readFileSync(join(ROOT, "Dockerfile"), "utf8");
  assert.ok(dockerfile.includes(`USER ${pod.securityContext.runAsUser}:`));
});

test("names and labels lead from one to the other", () => {
  const labels = statefulSet.spec.template.metadata.labels;
  const selects = (selector: Record<string, string>) =>
    Object.entries(selector).every(([name, value]) => labels[name] === value);
  assert.ok(selects(statefulSet.spec.selector.matchLabels));
  const services = manifests.filter(({ kind }) => kind === "Service");
  for (const service of services) assert.ok(selects(service.spec.selector), service.metadata.name);
  const names = services.map(({ metadata }) => metadata.name);
  assert.ok(names.includes(statefulSet.spec.serviceName));
  assert.ok(selects(only("PodDisruptionBudget").spec.selector.matchLabels));
  assert.ok(selects(only("NetworkPolicy").spec.podSelector.matchLabels));
  const volumes = new Set([
    ...pod.volumes.map(({ name }: { name: string }) => name),
    ...statefulSet.spec.volumeClaimTemplates.map(
      ({ metadata }: { metadata: { name: string } }) => metadata.name,
    ),
  ]);
  for (const { name } of container.volumeMounts) assert.ok(volumes.has(name), name);
  const config = pod.volumes.find(({ configMap }: { configMap?: unknown }) => configMap);
  assert.equal(config.configMap.name, only("ConfigMap").metadata.name);
});
