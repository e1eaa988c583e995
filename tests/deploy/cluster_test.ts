/** deploy/cluster: three nats-servers and two nodes that find each other, and lose nothing. */
import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { parse } from "yaml";
import { parseCommandLine } from "../../cli/command_line.ts";
import { parseDuration } from "../../cli/units.ts";
import { VERSION } from "../../core/base/version.ts";
import { parseClusterUrl } from "../../jetstream/cluster_url.ts";
import { run } from "../../scripts/command.ts";
import { findNats, NATS_VERSION } from "../../scripts/find_nats.ts";
import { DEFAULT_SERVER_LIMITS } from "../../server/limits.ts";
import { ROOT } from "../source_tree.ts";
import { problemsOfCompose, wrongVariables } from "./compose_rules.ts";

const FOLDER = join(ROOT, "deploy/cluster");

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly networks: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const text = fs.readFileSync(join(FOLDER, "compose.yaml"), "utf8");
const compose: Compose = parse(text, { merge: true });
const conf = fs.readFileSync(join(FOLDER, "nats.conf"), "utf8");
const servers = servicesNamed("nats-");
const nodes = servicesNamed("node-");
const nats = await findNats();

function servicesNamed(start: string): [name: string, Service][] {
  return Object.entries(compose.services).filter(([name]) => name.startsWith(start));
}

/** Where nats.conf listens: for clients, for the other servers, and for who asks how it is. */
function portsOfConf() {
  const [clients, routes] = [...conf.matchAll(/^\s*listen: 0\.0\.0\.0:(\d+)$/gm)];
  const http = /^http: 0\.0\.0\.0:(\d+)$/m.exec(conf);
  return { clients: clients![1]!, routes: routes![1]!, http: http![1]! };
}

test("compose.yaml is what the specification of compose files says", () => {
  assert.deepEqual(problemsOfCompose(compose), []);
  assert.deepEqual([servers.length, nodes.length], [3, 2]);
  assert.equal(Object.keys(compose.services).length, 5);
});

test("the nats-servers are of the version of the tests, and each has a name and a volume", () => {
  for (const [name, { image, environment, volumes, command, networks, ports }] of servers) {
    assert.match(image, new RegExp(`^nats:${NATS_VERSION}\\b`));
    assert.deepEqual(environment, { NAME: name });
    const [given, ...others] = volumes;
    const [own, inside] = given!.split(":");
    assert.ok(fs.existsSync(join(FOLDER, own!)), `${own} is not there`);
    assert.equal(command.at(-1), inside);
    assert.deepEqual(others, [`${name}:/data`]);
    assert.ok(name in compose.volumes);
    assert.deepEqual([networks, ports], [["streams"], undefined], "reached by the nodes only");
  }
  assert.equal(compose.networks.streams?.internal, true);
});

test("nats.conf syncs each write, on the volume, under the name of each", () => {
  const jetstream = /^jetstream \{([^}]*)\}/m.exec(conf)![1]!;
  assert.match(jetstream, /^\s*sync_interval: always$/m);
  assert.match(jetstream, /^\s*store_dir: \/data$/m);
  assert.match(conf, /^server_name: \$NAME$/m);
});

test("servers and nodes find each other where nats.conf listens", () => {
  const ports = portsOfConf();
  const names = servers.map(([name]) => name);
  const routes: string[] = JSON.parse(/^\s*routes: (\[.*\])$/m.exec(conf)![1]!);
  assert.deepEqual(routes, names.map((name) => `nats://${name}:${ports.routes}`));
  for (const [, { healthcheck }] of servers) {
    const asked = new URL(healthcheck!.test.at(-1)!);
    assert.deepEqual([asked.hostname, asked.port], ["127.0.0.1", ports.http]);
  }
  for (const [, { command, networks, depends_on: dependsOn }] of nodes) {
    const at = parseClusterUrl(command[command.indexOf("--at") + 1]!);
    assert.deepEqual(at.servers, names.map((name) => `${name}:${ports.clients}`));
    assert.equal(at.replicas, names.length);
    assert.ok(networks.includes("streams"));
    assert.deepEqual(Object.keys(dependsOn!), names);
  }
});

test("the nodes run this version with settings that may be so, reached from this machine only", () => {
  const presentation = { colors: false, columns: undefined, version: "seglog" };
  const published = nodes.flatMap(([, { ports }]) => ports!.map((port) => port.split(":")));
  for (const [address, , inside] of published) {
    assert.equal(address, "127.0.0.1");
    assert.match(inside!, /^(8080|8400)$/);
  }
  assert.equal(new Set(published.map(([, outside]) => outside)).size, 4, "each at its own port");
  const told = [...text.matchAll(/^#.*?http:\/\/127\.0\.0\.1:(\d+) and \S+:(\d+),/gm)][0]!.slice(1);
  const http = published.filter(([, , inside]) => inside === "8080");
  assert.deepEqual(told, http.map(([, outside]) => outside), "the first comment says where");
  for (const [name, node] of nodes) {
    assert.equal(node.image, `seglog:${VERSION}`);
    assert.ok(fs.existsSync(join(FOLDER, node.build!, "Dockerfile")));
    assert.equal(parseCommandLine([...node.command], presentation).kind, "run");
    assert.deepEqual(wrongVariables(node.environment), []);
    assert.deepEqual(node.volumes, [`${name}:/data`]);
    assert.ok(name in compose.volumes);
    assert.ok(parseDuration(node.stop_grace_period!)! > DEFAULT_SERVER_LIMITS.stopMs);
  }
});

test(
  "a nats-server takes nats.conf",
  { skip: typeof nats === "string" ? nats : false },
  async () => {
    assert.ok(typeof nats !== "string");
    const env = { ...process.env, NAME: "nats-1" };
    const command = [nats.path, "-t", "-c", join(FOLDER, "nats.conf")];
    const { status, stderr } = await run(command, { env });
    assert.equal(status, 0, stderr);
    assert.notEqual((await run(command, { env: { ...env, NAME: undefined } })).status, 0);
  },
);
