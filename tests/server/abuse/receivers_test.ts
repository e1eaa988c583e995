/** Webhooks to receivers that are hostile: none takes the server's memory, or another's records. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { abusedServer } from "./abused_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/** Sends on and on, as fast as it is taken. */
function pour(socket: Socket, head: string, piece: string): void {
  socket.write(head);
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  more();
}

const HOSTILE: Readonly<Record<string, (socket: Socket) => unknown>> = {
  "an endless body": (socket) => pour(socket, "HTTP/1.1 200 OK\r\n\r\n", "x".repeat(65_536)),
  "endless chunks": (socket) =>
    pour(
      socket,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "1\r\nx\r\n".repeat(9000),
    ),
  "a header of a gigabyte": (socket) => pour(socket, "HTTP/1.1 200 OK\r\nX: ", "y".repeat(65_536)),
  "headers without an end": (socket) =>
    pour(socket, "HTTP/1.1 200 OK\r\n", "X: y\r\n".repeat(9000)),
  "nonsense": (socket) => pour(socket, "", "\0\xff".repeat(9000)),
  "an answer that drips": (socket) => socket.write("HTTP/1.1 200 OK\r\nX"),
  "no answer": () => {},
  "an end at once": (socket) => socket.destroy(),
  "a redirect to the server itself": (socket) =>
    socket.end("HTTP/1.1 307 Temporary\r\nLocation: http://127.0.0.1/v1/topics\r\n\r\n"),
};

test("ten receivers of which nine are hostile: the tenth gets its records, and memory is bounded", async () => {
  await using server = await abusedServer({ flags: ["--webhook-allow", "127.0.0.0/8"] });
  const base = server.forgetPeak();
  await server.backend.ensureTopic("events");
  let received = "";
  const reached = new Set<string>();
  const receive = async (name: string, answer: (socket: Socket, text: string) => unknown) => {
    const receiver = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes: Uint8Array) => {
        if (socket.destroyed) return;
        const isFirst = !reached.has(name);
        reached.add(name);
        if (isFirst || name === "good") answer(socket, String(bytes));
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    const { port } = receiver.address() as AddressInfo;
    const response = await fetch(`${server.url}/v1/webhooks/hook-${port}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: "events", url: `http://127.0.0.1:${port}/`, from: "start" }),
    });
    assert.ok(response.ok, await response.text());
    return receiver;
  };
  const receivers = [];
  for (const [name, answer] of Object.entries(HOSTILE)) receivers.push(await receive(name, answer));
  receivers.push(
    await receive("good", (socket, text) => {
      received += text;
      if (text.includes("]")) socket.end(OK);
    }),
  );
  await server.backend.append("events", [{ value: "first" }]);
  while (!received.includes("first") || reached.size < 10) await server.expectUnharmed();
  await server.backend.append("events", [{ value: "second" }]);
  while (!received.includes("second")) await server.expectUnharmed();
  await server.expectBounded(base);
  for (const receiver of receivers) receiver.close();
});
