/** Speaks the WebSocket protocol frame by frame, also as nobody should (RFC 6455). */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** What a server sends in one frame. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** One frame as a client sends it. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = "",
  { isMasked = true, saysLength }: { isMasked?: boolean; saysLength?: number } = {},
): Buffer {
  const body = Buffer.from(payload);
  const length = saysLength ?? body.length;
  const head = length < 126
    ? Buffer.from([0x80 | opcode, length])
    : length < 0x10000
    ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
    : Buffer.from([0x80 | opcode, 127, ...bigEndian(length)]);
  if (!isMasked) return Buffer.concat([head, body]);
  head[1]! |= 0x80;
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i % 4]!)]);
}

function bigEndian(length: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

/** A connection that asked for a WebSocket. */
export class RawSocket {
  readonly socket: Socket;
  /** The head of the answer, and the body where that is no WebSocket. */
  head = "";
  #received = Buffer.alloc(0);
  #isOver = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  /** Resolves with the next frame; `undefined` when the connection has ended. */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      const found = this.#parse();
      if (found !== undefined) return found;
      if (this.#isOver) return undefined;
      await this.#more();
    }
  }

  /** Resolves with the next message as JSON, past pings. */
  // deno-lint-ignore no-explicit-any -- what it is, the test says
  async message(): Promise<any> {
    for (;;) {
      const found = await this.frame();
      if (found === undefined) throw new Error("the connection has ended");
      if (found.opcode === TEXT) return JSON.parse(found.payload.toString());
      if (found.opcode === CLOSE) throw new Error(`closed: ${closing(found)}`);
    }
  }

  /** Resolves with code and reason of the close frame, or `undefined`, and all messages before it. */
  async rest(): Promise<{ messages: unknown[]; closed: [number, string] | undefined }> {
    const messages: unknown[] = [];
    for (;;) {
      const found = await this.frame();
      if (found === undefined) return { messages, closed: undefined };
      if (found.opcode === TEXT) messages.push(JSON.parse(found.payload.toString()));
      if (found.opcode === CLOSE) {
        this.socket.end(frame(CLOSE, found.payload.subarray(0, 2)));
        return { messages, closed: closing(found) };
      }
    }
  }

  send(opcode: number, payload?: string | Uint8Array, options?: Parameters<typeof frame>[2]): void {
    this.socket.write(frame(opcode, payload, options));
  }

  /** Resolves when the connection has ended. */
  async ended(): Promise<void> {
    while (!this.#isOver) await this.#more();
  }

  /** Waits for the head of the answer; of a refusal, for all of it. */
  async answered(): Promise<this> {
    const isThere = () => this.#received.includes("\r\n\r\n");
    while (!isThere() && !this.#isOver) await this.#more();
    if (!this.#received.toString("latin1").startsWith("HTTP/1.1 101")) await this.ended();
    const end = this.#received.indexOf("\r\n\r\n") + 4;
    const isOpen = this.#received.toString("latin1").startsWith("HTTP/1.1 101");
    this.head = this.#received.toString("utf8", 0, isOpen ? end : this.#received.length);
    this.#received = this.#received.subarray(isOpen ? end : this.#received.length);
    return this;
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #parse(): Frame | undefined {
    const bytes = this.#received;
    if (bytes.length < 2) return undefined;
    let length = bytes[1]! & 0x7f;
    let start = 2;
    if (length === 126) {
      if (bytes.length < 4) return undefined;
      length = bytes.readUInt16BE(2);
      start = 4;
    } else if (length === 127) {
      if (bytes.length < 10) return undefined;
      length = Number(bytes.readBigUInt64BE(2));
      start = 10;
    }
    if (bytes.length < start + length) return undefined;
    this.#received = bytes.subarray(start + length);
    return { opcode: bytes[0]! & 0x0f, payload: bytes.subarray(start, start + length) };
  }
}

function closing({ payload }: Frame): [number, string] {
  return payload.length < 2 ? [1005, ""] : [payload.readUInt16BE(0), payload.toString("utf8", 2)];
}

/** Asks for a WebSocket, and resolves with the answer. */
export function openSocket(
  port: number,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawSocket> {
  return openSocketOn(connect(port, "127.0.0.1"), target, {
    host: `127.0.0.1:${port}`,
    ...headers,
  });
}

/** The same on a connection that is there. */
export async function openSocketOn(
  socket: Socket,
  target: string,
  headers: Readonly<Record<string, string>>,
): Promise<RawSocket> {
  const raw = new RawSocket(socket);
  const all = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return await raw.answered();
}
