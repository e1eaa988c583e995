/** Subjects as text. */
import "reflect-metadata";
import assert from "node:assert/strict";
import { test } from "node:test";
import * as x509 from "@peculiar/x509";
import { subjectOfCertificate } from "../../../server/tls/distinguished_name.ts";
import { rejectsWith } from "../../support/collect.ts";
import { VALID } from "../../support/certificates.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

async function certificateOf(name: x509.JsonNameParams): Promise<Uint8Array> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name: new x509.Name(name),
    notBefore: new Date(VALID.fromMs),
    notAfter: new Date(VALID.untilMs),
    signingAlgorithm: ALGORITHM,
    keys: keys as CryptoKeyPair,
  });
  return new Uint8Array(certificate.rawData);
}

test("a subject is written last part first, with the names of RFC 4514", async () => {
  const subject = async (name: x509.JsonNameParams) =>
    subjectOfCertificate(await certificateOf(name));
  assert.equal(
    await subject([{ C: ["DE"] }, { O: ["shop"] }, { CN: ["ann"] }]),
    "CN=ann,O=shop,C=DE",
  );
  assert.equal(await subject([{ DC: ["example"] }, { DC: ["log"] }]), "DC=log,DC=example");
  assert.equal(await subject([{ CN: ["ann", "bob"] }]), "CN=ann+CN=bob");
  assert.equal(await subject([{ CN: [{ printableString: "ann" }] }]), "CN=ann");
  assert.equal(await subject([]), "");
});

test("what has no name, or is no text, is written as bytes", async () => {
  const subject = async (name: x509.JsonNameParams) =>
    subjectOfCertificate(await certificateOf(name));
  assert.equal(await subject([{ "1.2.840.99": [{ utf8String: "a" }] }]), "1.2.840.99=#0C0161");
  assert.equal(await subject([{ CN: [{ bmpString: "a" }] }]), "CN=#1E020061");
});

test("bytes that are no certificate are refused, whatever lengths they claim", async () => {
  const whole = await certificateOf([{ CN: ["ann"] }]);
  const read = (bytes: Uint8Array) => () =>
    Promise.resolve().then(() => void subjectOfCertificate(bytes));
  for (const length of [0, 1, 2, 3, 10, 60, whole.length - 1]) {
    await rejectsWith("invalid-argument", read(whole.subarray(0, length)));
  }
  await rejectsWith("invalid-argument", read(Uint8Array.of(0x30, 0x88, 255, 255, 255, 255)));
  await rejectsWith("invalid-argument", read(Uint8Array.of(0x30, 0x84, 255, 255, 255, 255)));
  await rejectsWith("invalid-argument", read(Uint8Array.of(0x30, 0x80, 0, 0)));
});
