/** Where a request ends: whoever makes that unclear is refused, and gets nothing in by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { abusedServer } from "./abused_server.ts";
import { answerTo, LAST, statusesOf } from "./raw_abuse.ts";

const HEAD = "POST /v1/topics/outer/records HTTP/1.1\r\nHost: localhost\r\n" +
  "Content-Type: application/octet-stream\r\n";
/** A request that must never be one. */
const HIDDEN = "POST /v1/topics/smuggled/records HTTP/1.1\r\nHost: localhost\r\n" +
  "Content-Type: application/octet-stream\r\nContent-Length: 3\r\n\r\nbad";
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const NO_CHUNKS = "0\r\n\r\n";

/** What comes after the head, and the statuses that may be the only ones; 200 is said where it is fine. */
const REFUSED: readonly [string, string][] = [
  ["two lengths", `Content-Length: 3\r\nContent-Length: 4\r\n\r\nbad${HIDDEN}`],
  ["a list of lengths", `Content-Length: 3, 4\r\n\r\nbad${HIDDEN}`],
  ["a length and chunks", `Content-Length: 3\r\n${CHUNKED}\r\n${NO_CHUNKS}${HIDDEN}`],
  ["chunks and a length", `${CHUNKED}Content-Length: 3\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a length below zero", `Content-Length: -1\r\n\r\n${HIDDEN}`],
  ["a length with a sign", `Content-Length: +3\r\n\r\nbad${HIDDEN}`],
  ["a length in base 16", `Content-Length: 0x3\r\n\r\nbad${HIDDEN}`],
  ["a length with an exponent", `Content-Length: 3e0\r\n\r\nbad${HIDDEN}`],
  ["a length of nothing", `Content-Length: \r\n\r\n${HIDDEN}`],
  ["a length of 23 digits", `Content-Length: 99999999999999999999999\r\n\r\n${HIDDEN}`],
  ["a space before the colon", `Content-Length : 3\r\n\r\nbad${HIDDEN}`],
  ["a tab before the colon", `Transfer-Encoding\t: chunked\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["another coding", `Transfer-Encoding: gzip\r\n\r\n${HIDDEN}`],
  ["no known coding", `Transfer-Encoding: xchunked\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a quoted coding", `Transfer-Encoding: "chunked"\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["chunks that are not last", `Transfer-Encoding: chunked, identity\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["codings twice", `${CHUNKED}Transfer-Encoding: identity\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["chunks twice", `${CHUNKED}${CHUNKED}\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a coding behind a control", `Transfer-Encoding: \x0bchunked\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a folded coding", `Transfer-Encoding:\r\n chunked\r\n\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a coding behind a CR", `X: a\r${CHUNKED}\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a coding behind a LF", `X: a\n${CHUNKED}\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a chunk of no size", `${CHUNKED}\r\nzz\r\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a chunk of -1", `${CHUNKED}\r\n-1\r\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a chunk of 0x3", `${CHUNKED}\r\n0x3\r\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a chunk of 2^72", `${CHUNKED}\r\nffffffffffffffffff\r\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a chunk that says less", `${CHUNKED}\r\n2\r\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["chunks that end with LF", `${CHUNKED}\r\n3\nabc\n0\n\n${HIDDEN}`],
  ["an extension that ends with LF", `${CHUNKED}\r\n3;a\nabc\r\n${NO_CHUNKS}${HIDDEN}`],
  ["a length behind chunks", `${CHUNKED}\r\n3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n${HIDDEN}`],
  ["100 kB of trailers", `${CHUNKED}\r\n0\r\nX: ${"y".repeat(100_000)}\r\n\r\n${HIDDEN}`],
];

for (const hasTls of [false, true]) {
  test(`nothing is smuggled in where lengths and chunks are bent${hasTls ? ", over TLS" : ""}`, async () => {
    await using server = await abusedServer({ hasTls });
    const base = server.forgetPeak();
    for (const [what, bytes] of REFUSED) {
      const answer = await answerTo(server, `${HEAD}${bytes}${LAST}`);
      assert.match(String(statusesOf(answer)), /^((415,)?400|431|)$/, `${what}: ${answer}`);
      if (answer !== "") assert.match(answer, /"code":"(invalid-argument|too-large)"/, what);
    }
    const topics = (await server.backend.listTopics()).map(({ name }) => name);
    assert.deepEqual(topics.filter((name) => name !== "unharmed"), []);
    await server.expectBounded(base);
  });
}

test("a length beyond what is taken is 413 before anything is waited for", async () => {
  await using server = await abusedServer();
  for (const length of ["67108865", "9007199254740993", "9223372036854775807"]) {
    const answer = await answerTo(server, `${HEAD}Content-Length: ${length}\r\n\r\nabc`);
    assert.match(String(statusesOf(answer)), /^(400|413)$/, `${length}: ${answer}`);
  }
  await server.expectUnharmed();
});

test("what only looks odd is read as it is meant", async () => {
  await using server = await abusedServer();
  const cases: readonly [string, string][] = [
    ["a tab before the coding", `Transfer-Encoding:\tchunked\r\n\r\n3\r\nabc\r\n${NO_CHUNKS}`],
    ["an extension", `${CHUNKED}\r\n3;a=b;c="d"\r\nabc\r\n${NO_CHUNKS}`],
    ["zeros before a size", `${CHUNKED}\r\n0000003\r\nabc\r\n${NO_CHUNKS}`],
    ["a trailer", `${CHUNKED}\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n`],
  ];
  for (const [what, bytes] of cases) {
    const answer = await answerTo(server, `${HEAD}${bytes}${LAST}`);
    assert.deepEqual(statusesOf(answer), [200, 200], `${what}: ${answer}`);
  }
  const same = `${HEAD}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc${LAST}`;
  assert.match(String(statusesOf(await answerTo(server, same))), /^(200,200|400)$/);
  const gzip = `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n${LAST}`;
  const answer = await answerTo(server, gzip);
  assert.equal(statusesOf(answer)[0], 415, answer);
});

test("200,000 chunks of one byte, and extensions without an end, are no more than their bytes", async () => {
  await using server = await abusedServer();
  const base = server.forgetPeak();
  const answer = await answerTo(
    server,
    `${HEAD}${CHUNKED}\r\n${"1\r\nx\r\n".repeat(200_000)}${NO_CHUNKS}${LAST}`,
  );
  assert.deepEqual(statusesOf(answer), [200, 200], answer);
  const extended = await answerTo(
    server,
    `${HEAD}${CHUNKED}\r\n3;${"b".repeat(5_000_000)}\r\nabc\r\n${NO_CHUNKS}${LAST}`,
  );
  assert.match(String(statusesOf(extended)), /^(400|200,200)?$/); // what comes before its end may be lost
  await server.expectBounded(base);
});
