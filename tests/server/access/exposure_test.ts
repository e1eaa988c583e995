/** Where a server may listen unprotected. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { demandProtection, type Exposure } from "../../../server/access/exposure.ts";
import { rejectsWith } from "../../support/collect.ts";
import { openServer } from "../support.ts";

const no = () => Promise.resolve(false);
const yes = () => Promise.resolve(true);
const BARE = { hasTls: false, hasCredentials: no, unprotected: false };
const NAMES: Record<string, string[]> = {
  localhost: ["127.0.0.1", "::1"],
  "log.example": ["10.0.0.7"],
  "half.example": ["127.0.0.1", "10.0.0.7"],
  "nothing.example": [],
};

function demand(
  exposure: Partial<Exposure> & { readonly host: string },
): Promise<string | undefined> {
  return demandProtection({
    ...BARE,
    resolve: (name) => Promise.resolve(NAMES[name] ?? []),
    ...exposure,
  });
}

test("the machine's own addresses need no protection", async () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"]) {
    assert.equal(await demand({ host }), undefined);
  }
});

test("where others reach the server, it needs TLS and tokens, or a word that names the risk", async () => {
  const open = [
    "0.0.0.0",
    "::",
    "::ffff:0.0.0.0",
    "10.0.0.7",
    "::ffff:10.0.0.7",
    "fe80::1",
    "",
    "log.example",
    "half.example",
    "nothing.example",
  ];
  for (const host of open) {
    const bare = await rejectsWith("forbidden", () => demand({ host }));
    assert.match(
      bare.message,
      /no TLS.*and no tokens.*--unprotected.*everybody.*delete everything/,
    );
    const plain = await rejectsWith("forbidden", () => demand({ host, hasCredentials: yes }));
    assert.match(plain.message, /no TLS.*--unprotected.*reads what is sent/);
    assert.doesNotMatch(plain.message, /no tokens/);
    const anonymous = await rejectsWith("forbidden", () => demand({ host, hasTls: true }));
    assert.match(anonymous.message, /no tokens.*--unprotected/);
    assert.doesNotMatch(anonymous.message, /no TLS/);
    assert.equal(await demand({ host, hasTls: true, hasCredentials: yes }), undefined);
    assert.match(await demand({ host, unprotected: true }) ?? "", /^unprotected on .*everybody/);
  }
});

test("a name that nobody knows is told as such", async () => {
  await rejectsWith("unavailable", () => demandProtection({ ...BARE, host: "256.1.1.1" }));
});

test("a server holds to it, and listens when it is told to all the same", async () => {
  await rejectsWith("forbidden", () => openServer({ host: "0.0.0.0" }));
  await using opened = await openServer({ host: "0.0.0.0", unprotected: true });
  assert.equal((await fetch(`http://127.0.0.1:${opened.port}/livez`)).status, 200);
});
