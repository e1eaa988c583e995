import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { verifyWebhook } from "../../mod.ts";

const KEY = Buffer.from("a secret of thirty-two bytes, yes");
const SECRET = `whsec_${KEY.toString("base64")}`;
const BODY = '[{"topic":"orders","partition":0,"offset":41,"value":"hé"}]';
const SENT_AT = 1_800_000_000;
const NOW = { nowMs: SENT_AT * 1000 + 1000 };

/** Computed as the specification says, and not by what is tested. */
function signatureOf(text: string, key = KEY): string {
  return `v1,${createHmac("sha256", key).update(text, "utf8").digest("base64")}`;
}

function headersOf(changes: Record<string, string | undefined> = {}) {
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(SENT_AT),
    "webhook-signature": signatureOf(`msg_1.${SENT_AT}.${BODY}`),
    ...changes,
  };
}

const untrusted = { code: "unauthenticated" };

test("a webhook that is signed with the secret is taken, as text or bytes, in any kind of headers", () => {
  const expected = { id: "msg_1", timestampMs: SENT_AT * 1000 };
  for (const headers of [headersOf(), new Headers(headersOf())]) {
    for (const body of [BODY, new TextEncoder().encode(BODY)]) {
      assert.deepEqual(verifyWebhook(SECRET, { headers, body }, NOW), expected);
    }
  }
});

test("the example of the specification is verified", () => {
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const now = { nowMs: 1614265330_000 };
  const { id } = verifyWebhook(secret, { headers, body: '{"test": 2432232314}' }, now);
  assert.equal(id, headers["webhook-id"]);
});

test("what was changed, or is signed with another secret, is not", () => {
  const other = signatureOf(`msg_1.${SENT_AT}.${BODY}`, Buffer.alloc(32));
  const changed: [string, Record<string, string | undefined>, string][] = [
    ["the body", {}, BODY.replace("41", "42")],
    ["the id", { "webhook-id": "msg_2" }, BODY],
    ["the time", { "webhook-timestamp": String(SENT_AT + 1) }, BODY],
    ["the signature", { "webhook-signature": other }, BODY],
    [
      "its version",
      { "webhook-signature": headersOf()["webhook-signature"].replace("v1", "v2") },
      BODY,
    ],
    ["its length", { "webhook-signature": "v1," }, BODY],
  ];
  for (const name of Object.keys(headersOf())) changed.push([name, { [name]: undefined }, BODY]);
  for (const time of ["", "now", "-1", "1e9", "1.5"]) {
    changed.push(["a time that is none", { "webhook-timestamp": time }, BODY]);
  }
  for (const [what, changes, body] of changed) {
    const headers = headersOf(changes);
    assert.throws(() => verifyWebhook(SECRET, { headers, body }, NOW), untrusted, what);
  }
});

test("one of several signatures is enough: a secret that is being changed signs with both", () => {
  const good = headersOf()["webhook-signature"];
  const other = signatureOf("x", Buffer.alloc(32));
  for (const signatures of [`${other} ${good}`, `${good} ${other}`]) {
    const headers = headersOf({ "webhook-signature": signatures });
    verifyWebhook(SECRET, { headers, body: BODY }, NOW);
  }
});

test("one that is old, or from the future, is not taken: it may be sent again by anybody", () => {
  const received = { headers: headersOf(), body: BODY };
  const at = (seconds: number) => ({ nowMs: (SENT_AT + seconds) * 1000 });
  for (const seconds of [-300, 0, 300]) verifyWebhook(SECRET, received, at(seconds));
  for (const seconds of [-301, 301]) {
    assert.throws(() => verifyWebhook(SECRET, received, at(seconds)), untrusted);
  }
  verifyWebhook(SECRET, received, { ...at(900), toleranceMs: 900_000 });
});

test("what is no secret is refused, and is not shown", () => {
  const received = { headers: headersOf(), body: BODY };
  for (
    const secret of ["", "hunter2", "whsec_", "whsec_aHVudGVyMg==", `whsec_${"A".repeat(200)}`]
  ) {
    assert.throws(() => verifyWebhook(secret, received, NOW), (error: Error & { code: string }) => {
      assert.equal(error.code, "invalid-argument");
      return secret.length < 7 || !error.message.includes(secret);
    });
  }
});
