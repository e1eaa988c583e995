import "reflect-metadata";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as x509 from "@peculiar/x509";
import { SeglogError } from "../../mod.ts";
import { AddressPolicy } from "../../server/webhooks/address_policy.ts";
import { isSuccess } from "../../server/webhooks/courier.ts";
import { delayAfter, retryAfterMs } from "../../server/webhooks/backoff.ts";
import { HttpSender, type Outcome, type Resolve } from "../../server/webhooks/http_sender.ts";
import { thisRuntime } from "../support/runtimes.ts";

const WEBHOOK_PROCESS = fileURLToPath(new URL("./webhook_process.ts", import.meta.url));
const BODY = new TextEncoder().encode('[{"offset":0}]');

/** What a policy says of a URL: `undefined` is nothing against it. */
function said(policy: AddressPolicy, url: string): string | undefined {
  try {
    policy.checkUrl(new URL(url));
    return undefined;
  } catch (error) {
    assert.ok(error instanceof SeglogError, String(error));
    return error.code;
  }
}

async function sent(sender: HttpSender, url: string): Promise<Outcome> {
  const { signal } = new AbortController();
  const headers = { "content-type": "application/json", "webhook-id": "msg_1" };
  return await sender.send({ url: new URL(url), headers, body: BODY, signal });
}

interface Receiver extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly requests: IncomingMessage[];
}

async function receive(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  tls?: { key: string; cert: string },
): Promise<Receiver> {
  const requests: IncomingMessage[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    requests.push(request);
    request.resume();
    answer(response, request);
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const REFUSED = [
  ...["0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8"],
  ...["169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.88.99.1"],
  ...["192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250"],
  ...["240.0.0.1", "255.255.255.255", "168.63.129.16", "::", "::1", "::ffff:127.0.0.1"],
  ...["::ffff:169.254.169.254", "::7f00:1", "::ffff:0:127.0.0.1"],
  ...[
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
  ],
  ...["2001::1", "2001:db8::1", "2001:2::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1"],
  ...["ff02::1", "100::1", "4000::1", "5f00::1", "3fff::1"],
];
const PUBLIC = [
  "8.8.8.8",
  "1.1.1.1",
  "172.15.0.1",
  "172.32.0.1",
  "2001:4860:4860::8888",
  "2a00::1",
];

test("only public addresses are reached, however they are written", () => {
  const policy = new AddressPolicy();
  const written = (address: string) =>
    `https://${address.includes(":") ? `[${address}]` : address}/`;
  for (const address of REFUSED) {
    assert.equal(said(policy, written(address)), "forbidden", address);
    const name = new URL("https://name.example/");
    assert.throws(() => policy.checkAddress(address, name), { code: "forbidden" }, address);
  }
  for (const address of PUBLIC) {
    assert.equal(said(policy, written(address)), undefined, address);
    policy.checkAddress(address, new URL("https://name.example/"));
  }
  for (const host of ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "①②⑦.0.0.1", "127.0.0.1."]) {
    assert.equal(said(policy, `https://${host}/`), "forbidden", host);
  }
  const mapped = "::ffff:8.8.8.8";
  policy.checkAddress(mapped, new URL("https://name.example/")); // the same as 8.8.8.8
});

test("a URL is https and no more than that, unless more is allowed", () => {
  const policy = new AddressPolicy();
  for (
    const url of [
      "ftp://a.example/",
      "file:///etc/passwd",
      "https://u:p@a.example/",
      "https://a.example/#x",
    ]
  ) {
    assert.equal(said(policy, url), "invalid-argument", url);
  }
  assert.equal(said(policy, "http://a.example/"), "forbidden");
  assert.equal(said(policy, "http://8.8.8.8/"), "forbidden");
  assert.equal(said(policy, "https://a.example:8443/x?y=1"), undefined);
});

test("what is allowed is reached, also without TLS: hosts, names below one, addresses, networks", () => {
  const policy = new AddressPolicy([
    "Receiver.internal",
    "*.svc.local",
    "192.168.1.7",
    "10.0.0.0/8",
    "fd00::/8",
  ]);
  const allowed = [
    ...["http://receiver.internal/", "https://receiver.internal./", "http://a.b.svc.local/"],
    ...[
      "http://192.168.1.7/",
      "http://10.1.2.3:9/",
      "https://[::ffff:10.1.2.3]/",
      "http://[fd00::1]/",
    ],
  ];
  for (const url of allowed) assert.equal(said(policy, url), undefined, url);
  policy.checkAddress("127.0.0.1", new URL("http://receiver.internal/"));
  for (const url of ["https://192.168.1.8/", "http://[::1]/", "http://8.8.8.8/"]) {
    assert.equal(said(policy, url), "forbidden", url);
  }
  for (const host of ["svc.local", "a.svc.local.evil", "evilsvc.local"]) {
    const check = () => policy.checkAddress("127.0.0.1", new URL(`https://${host}/`));
    assert.throws(check, { code: "forbidden" }, host);
  }
  // A name is only known when it is looked up: then plain HTTP to a public address is refused.
  policy.checkUrl(new URL("http://name.example/"));
  policy.checkAddress("10.1.2.3", new URL("http://name.example/"));
  const plain = () => policy.checkAddress("8.8.8.8", new URL("http://name.example/"));
  assert.throws(plain, { code: "forbidden" });
  for (const nonsense of ["", "a b", "10.0.0.0/33", "http://x/", "256.1.1.1", "*", "-a"]) {
    assert.throws(() => new AddressPolicy([nonsense]), { code: "invalid-argument" }, nonsense);
  }
});

test("a name that leads to a public address first and to this machine then reaches nothing", async () => {
  await using receiver = await receive((response) => response.end());
  let asked = 0;
  const resolve: Resolve = () =>
    Promise.resolve([
      asked++ === 0 ? { address: "8.8.8.8", family: 4 } : { address: "127.0.0.1", family: 4 },
    ]);
  const sender = new HttpSender({ policy: new AddressPolicy(), timeoutMs: 60_000, resolve });
  const url = `https://rebinding.example:${receiver.port}/`;
  await sender.check(new URL(url));
  const { error, status } = await sent(sender, url);
  assert.deepEqual([status, asked], [undefined, 2]);
  assert.match(error!, /its address is not public/);
  assert.equal(receiver.requests.length, 0);
});

test("a name that leads to public and private addresses is refused as a whole", async () => {
  const resolve: Resolve = () =>
    Promise.resolve([{ address: "8.8.8.8", family: 4 }, { address: "::1", family: 6 }]);
  const sender = new HttpSender({ policy: new AddressPolicy(), timeoutMs: 60_000, resolve });
  const url = new URL("https://both.example/");
  await assert.rejects(() => sender.check(url), { code: "forbidden" });
  assert.match((await sent(sender, url.href)).error!, /its address is not public/);
});

test("a proxy of the environment is passed by: it would look names up by itself", async () => {
  const asked: (string | undefined)[] = []; // a runtime may ask by itself, for a newer one
  await using proxy = await receive((response, { url }) => {
    asked.push(url);
    response.writeHead(207).end();
  });
  proxy.server.on("connect", ({ url }, socket) => {
    asked.push(url);
    socket.destroy();
  });
  await using receiver = await receive((response) => response.end());
  const { port } = receiver;
  const [program, ...words] = thisRuntime().command;
  const urls = [`http://hook.example:${port}/`, `http://127.0.0.1:${port}/`];
  const https = `https://hook.example:${port}/`; // which is not spoken there
  const at = `http://127.0.0.1:${proxy.port}`;
  const child = spawn(program, [...words, WEBHOOK_PROCESS, ...urls, https], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      ...{ NODE_USE_ENV_PROXY: "1", NO_PROXY: "", no_proxy: "" },
      ...{ HTTP_PROXY: at, HTTPS_PROXY: at, http_proxy: at, https_proxy: at },
    },
  });
  const lines = [];
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  assert.deepEqual(lines, ["200", "200", "failed"]);
  assert.deepEqual(asked.filter((url) => url?.includes(`:${port}`)), []);
});

test("a name without an address is refused, with what the resolver says", async () => {
  const resolve: Resolve = () => Promise.reject(new Error("ENOTFOUND"));
  const sender = new HttpSender({ policy: new AddressPolicy(), timeoutMs: 60_000, resolve });
  const check = () => sender.check(new URL("https://nowhere.example/"));
  await assert.rejects(check, { code: "invalid-argument", message: /ENOTFOUND/ });
});

test("what is sent arrives as it is, on one connection each, and redirects are not followed", async () => {
  let status = 200;
  const bodies: string[] = [];
  await using receiver = await receive((response, request) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      bodies.push(body);
      response.writeHead(status, { location: "/elsewhere", "retry-after": "7" }).end("thanks");
    });
  });
  const resolve: Resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const policy = new AddressPolicy(["hook.example"]);
  const sender = new HttpSender({ policy, timeoutMs: 60_000, resolve });
  const url = `http://hook.example:${receiver.port}/a%20b?c=d`;
  for (status of [200, 302, 503]) {
    const outcome = await sent(sender, url);
    assert.deepEqual(outcome, { status, retryAfter: "7" });
    assert.equal(isSuccess(outcome), status === 200);
  }
  const [first] = receiver.requests;
  assert.deepEqual([first!.method, first!.url], ["POST", "/a%20b?c=d"]);
  assert.equal(first!.headers.host, `hook.example:${receiver.port}`);
  assert.equal(first!.headers["content-length"], String(BODY.length));
  assert.deepEqual(bodies, Array(3).fill('[{"offset":0}]'));
  assert.equal(receiver.requests.length, 3);
});

test("a receiver that hangs, or answers without end, takes neither time nor memory", async () => {
  let endless = false;
  await using receiver = await receive((response) => {
    if (!endless) return; // it never answers
    response.writeHead(200);
    const chunk = new Uint8Array(16 * 1024);
    const more = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once("drain", more);
    };
    more();
  });
  const policy = new AddressPolicy(["127.0.0.0/8"]);
  const url = `http://127.0.0.1:${receiver.port}/`;
  const { error } = await sent(new HttpSender({ policy, timeoutMs: 100 }), url);
  assert.match(error!, /no answer within 100 ms/);
  endless = true;
  const { status } = await sent(new HttpSender({ policy, timeoutMs: 60_000 }), url);
  assert.equal(status, 200);
});

test("who is not there, and who speaks no HTTP, is an error and no crash", async () => {
  const policy = new AddressPolicy(["127.0.0.0/8"]);
  const sender = new HttpSender({ policy, timeoutMs: 60_000 });
  let port: number;
  {
    await using receiver = await receive(() => {});
    port = receiver.port;
  }
  assert.equal(typeof (await sent(sender, `http://127.0.0.1:${port}/`)).error, "string");
  await using receiver = await receive((response) => response.socket!.end("nonsense\r\n\r\n"));
  const outcome = await sent(sender, `http://127.0.0.1:${receiver.port}/`);
  assert.equal(typeof outcome.error, "string");
});

test("certificates are checked against the name, and an unknown one is refused", async () => {
  const tls = await certificate("hook.example");
  await using receiver = await receive((response) => response.end(), tls);
  const resolve: Resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
  const policy = new AddressPolicy(["hook.example", "other.example"]);
  const options = { policy, timeoutMs: 60_000, resolve };
  const trusting = new HttpSender({ ...options, ca: tls.cert });
  const at = (host: string) => `https://${host}:${receiver.port}/`;
  assert.equal((await sent(trusting, at("hook.example"))).status, 200);
  assert.match((await sent(trusting, at("other.example"))).error!, /other\.example/);
  assert.match((await sent(new HttpSender(options), at("hook.example"))).error!, /self.signed/);
});

test("waits double up to an hour and differ; Retry-After is seconds or a date, a day at most", () => {
  assert.deepEqual([1, 2, 3, 12, 13, 99].map((failures) => delayAfter(failures, 0)), [
    ...[500, 1000, 2000, 1_024_000, 1_800_000, 1_800_000],
  ]);
  assert.equal(delayAfter(1, 0.999), 1000);
  const now = Date.parse("2026-12-01T00:00:00Z");
  const cases: [string | undefined, number | undefined][] = [
    ["5", 5000],
    ["0", 0],
    ["Tue, 01 Dec 2026 00:01:00 GMT", 60_000],
    ["Mon, 30 Nov 2026 00:00:00 GMT", 0],
    ["Tue, 01 Dec 2099 00:00:00 GMT", 24 * 3_600_000],
    ["999999999", 24 * 3_600_000],
    ["-5", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ];
  for (const [header, expected] of cases) {
    const got = retryAfterMs(header, now);
    // A number that is no count of seconds may be read as a date long ago.
    if (header === "-5") assert.ok(got === undefined || got === 0);
    else assert.equal(got, expected, String(header));
  }
});

async function certificate(host: string): Promise<{ key: string; cert: string }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: `CN=${host}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: "dns", value: host }])],
  });
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: made.toString("pem"), key: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}
