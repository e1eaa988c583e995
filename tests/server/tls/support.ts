/** A server with TLS, and clients that do as they please. */
import { Buffer } from "node:buffer";
import { request } from "node:https";
import type { Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { ServeOptions } from "../../../server/listen.ts";
import { TlsMaterial, type TlsMaterialOptions } from "../../../server/tls/tls_material.ts";
import { type CertFolder, certFolder } from "../../support/certificates.ts";
import { type OpenServer, openServer } from "../support.ts";

/** A server over an empty store, and what it proves itself with. */
export interface OpenTlsServer extends OpenServer {
  readonly certs: CertFolder;
  readonly material: TlsMaterial;
}

export interface TlsServerOptions extends ServeOptions {
  /** Whether clients are asked for certificates. */
  readonly knowsClients?: boolean;
  readonly looking?: TlsMaterialOptions;
}

export async function openTlsServer(options: TlsServerOptions = {}): Promise<OpenTlsServer> {
  const { knowsClients = false, looking = {}, ...others } = options;
  const certs = await certFolder();
  const { clientCa, ...files } = certs.files;
  const material = await TlsMaterial.load(
    knowsClients ? { ...files, clientCa } : files,
    looking,
  );
  const opened = await openServer({ ...others, tls: material });
  return {
    ...opened,
    certs,
    material,
    async [Symbol.asyncDispose]() {
      material.close();
      await opened[Symbol.asyncDispose]();
      await certs[Symbol.asyncDispose]();
    },
  };
}

/** What came back, or the code of why nothing did. */
export interface Asked {
  readonly status: number;
  readonly body: string;
  readonly fault: string;
}

/** One request on a connection of its own. */
export function ask(
  port: number,
  path: string,
  options: ConnectionOptions & { readonly headers?: Record<string, string> },
): Promise<Asked> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) =>
      resolve({ status: 0, body: "", fault: error.code ?? error.message });
    const asking = request(
      { host: "127.0.0.1", servername: "localhost", agent: false, ...options, port, path },
      (response) => {
        const pieces: Buffer[] = [];
        response.on("data", (piece) => pieces.push(piece));
        response.on("error", failed);
        response.on("end", () => {
          resolve({
            status: response.statusCode!,
            body: Buffer.concat(pieces).toString(),
            fault: "",
          });
        });
      },
    );
    asking.on("error", failed);
    asking.end();
  });
}

/** A connection whose handshake is over. */
export async function secureConnect(
  port: number,
  options: ConnectionOptions,
): Promise<{ readonly socket: TLSSocket; readonly ended: Promise<string> }> {
  const socket = connect({ host: "127.0.0.1", servername: "localhost", ...options, port });
  const ended = allOf(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  return { socket, ended };
}

/** Everything that comes over a connection until it ends. */
export function allOf(socket: Socket): Promise<string> {
  let received = "";
  socket.on("data", (piece: Buffer) => received += piece.toString("latin1"));
  socket.on("error", () => {}); // the end tells
  return new Promise((resolve) => socket.on("close", () => resolve(received)));
}
