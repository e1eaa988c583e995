/** Talks HTTP/2 frame by frame, as no client would. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { bytes } from "./support.ts";

export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;
const PREFACE = bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEAD_BYTES = 9;

/** One frame. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly content: Uint8Array;
}

export function frame(
  type: number,
  stream: number,
  { flags = 0, content = new Uint8Array(0) }: { flags?: number; content?: Uint8Array } = {},
): Uint8Array {
  const whole = new Uint8Array(FRAME_HEAD_BYTES + content.length);
  const view = new DataView(whole.buffer);
  view.setUint8(0, content.length >> 16);
  view.setUint16(1, content.length & 0xffff);
  view.setUint8(3, type);
  view.setUint8(4, flags);
  view.setUint32(5, stream);
  whole.set(content, FRAME_HEAD_BYTES);
  return whole;
}

/** The head of a call: fields that no table knows. */
export function callHeaders(
  path: string,
  more: Readonly<Record<string, string>> = {},
): Uint8Array {
  return headerBlock({
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "localhost",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
}

export function headerBlock(fields: Readonly<Record<string, string>>): Uint8Array {
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [
      Uint8Array.of(0),
      ...[name, value].flatMap((text) => [hpackLength(text.length), bytes(text)]),
    ]),
  );
}

/** A length with a prefix of seven bits. */
function hpackLength(length: number): Uint8Array {
  if (length < 127) return Uint8Array.of(length);
  const encoded = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) encoded.push((rest % 128) | 128);
  return Uint8Array.from([...encoded, rest]);
}

/** RST_STREAM with CANCEL. */
export function reset(stream: number): Uint8Array {
  return frame(FRAME.reset, stream, { content: Uint8Array.of(0, 0, 0, 8) });
}

/** A connection that has begun, and the frames that came over it. */
export interface RawSession extends Disposable {
  readonly socket: Socket;
  readonly frames: Frame[];
  write(...frames: Uint8Array[]): void;
  /** The first frame that is wanted, when it comes; fails when the connection ends before. */
  until(isWanted: (frame: Frame) => boolean): Promise<Frame>;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<void>;
}

export async function rawSession(port: number, settings?: Uint8Array): Promise<RawSession> {
  const socket = connect(port, "127.0.0.1");
  const frames: Frame[] = [];
  const watchers = new Set<() => void>();
  let isOver = false;
  let rest: Uint8Array = new Uint8Array(0);
  const notify = () => watchers.forEach((watcher) => watcher());
  socket.on("data", (chunk: Uint8Array) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
      if (rest.length < FRAME_HEAD_BYTES) break;
      const length = (view.getUint8(0) << 16) + view.getUint16(1);
      if (rest.length < FRAME_HEAD_BYTES + length) break;
      frames.push({
        type: view.getUint8(3),
        flags: view.getUint8(4),
        stream: view.getUint32(5) & 0x7fffffff,
        content: rest.slice(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length),
      });
      rest = rest.subarray(FRAME_HEAD_BYTES + length);
    }
    notify();
  });
  socket.on("error", () => {}); // the end of the connection tells
  const ended = new Promise<void>((resolve) => {
    socket.on("close", () => {
      isOver = true;
      resolve();
      notify();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.write(PREFACE);
  socket.write(frame(FRAME.settings, 0, settings === undefined ? {} : { content: settings }));
  return {
    socket,
    frames,
    ended,
    write: (...frames) => void socket.write(Buffer.concat(frames)),
    until: (isWanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = frames.find(isWanted);
          if (found !== undefined) resolve(found);
          else if (isOver) reject(new Error("the connection ended before"));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
