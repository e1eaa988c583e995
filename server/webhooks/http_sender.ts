/**
 * Sends what a webhook delivers: one POST on a connection of its own, to an address that is looked at
 * when it is connected to, so that a name cannot first lead to one place and then to another.
 *
 * @module
 */
import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as httpRequest,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import { WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_ANSWER_HEADERS_MAX } from "../limits.ts";
import { type AddressPolicy, hostOf } from "./address_policy.ts";

/** What is sent. */
export interface Delivery {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface Outcome {
  /** The status of the answer; there is none where there was no answer. */
  readonly status?: number;
  /** The header `Retry-After` of the answer. */
  readonly retryAfter?: string | undefined;
  /** Why there was no answer. */
  readonly error?: string;
}

/** Sends deliveries. */
export interface Sender {
  /** Refuses where nothing is sent to. @throws {SeglogError} `invalid-argument`, `forbidden` */
  check(url: URL): Promise<void>;
  /** Sends one. It never rejects. */
  send(delivery: Delivery): Promise<Outcome>;
}

/** Finds all addresses of a name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** How to send. */
export interface SenderOptions {
  readonly policy: AddressPolicy;
  /** Longest time for one delivery, from the look-up of the name to the end of the answer. */
  readonly timeoutMs: number;
  /** The resolver of the machine unless given. */
  readonly resolve?: Resolve;
  /** Certificates that are trusted beside those of the machine. */
  readonly ca?: string | Uint8Array;
}

/**
 * A connection that is used again was made to an address that may not be that of the name now; and a
 * proxy that the environment names, as runtimes may go by, would look the name up by itself.
 */
const DIRECTLY = { keepAlive: false, maxCachedSessions: 0, proxyEnv: {} };

/** Sends over HTTP. */
export class HttpSender implements Sender {
  readonly #options: SenderOptions;
  readonly #resolve: Resolve;
  readonly #plainAgent = new HttpAgent(DIRECTLY);
  readonly #agent = new HttpsAgent(DIRECTLY);

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#resolve = options.resolve ?? resolveAll;
  }

  async check(url: URL): Promise<void> {
    this.#options.policy.checkUrl(url);
    if (isIP(hostOf(url)) === 0) await this.#addressesOf(url);
  }

  send(delivery: Delivery): Promise<Outcome> {
    const { timeoutMs } = this.#options;
    return new Promise((resolve) => {
      let request: ClientRequest | undefined;
      const settle = (outcome: Outcome) => {
        clearTimeout(timer);
        delivery.signal.removeEventListener("abort", stop);
        request?.destroy();
        resolve(outcome);
      };
      const stop = () => settle({ error: "the server stops, or the webhook was changed" });
      const timer = setTimeout(
        () => settle({ error: `there was no answer within ${timeoutMs} ms` }),
        timeoutMs,
      );
      if (delivery.signal.aborted) return stop();
      delivery.signal.addEventListener("abort", stop, { once: true });
      try {
        request = this.#request(delivery);
        request.on("error", (error) => settle({ error: messageOf(error) }));
        request.on("response", (answer) => drain(answer, settle));
        request.end(delivery.body);
      } catch (error) {
        settle({ error: messageOf(error) });
      }
    });
  }

  #request({ url, headers, body }: Delivery): ClientRequest {
    const { policy, ca } = this.#options;
    policy.checkUrl(url);
    const isPlain = url.protocol === "http:";
    const options = {
      method: "POST",
      hostname: hostOf(url),
      port: url.port === "" ? (isPlain ? 80 : 443) : Number(url.port),
      path: url.pathname + url.search,
      headers: { ...headers, "content-length": String(body.length) },
      agent: isPlain ? this.#plainAgent : this.#agent,
      maxHeaderSize: WEBHOOK_ANSWER_HEADERS_MAX,
      lookup: this.#guardedLookup(url),
    };
    return isPlain
      ? httpRequest(options)
      : httpsRequest(ca === undefined ? options : { ...options, ca } as typeof options);
  }

  /** What the connection asks for the address of a name: it gets only such that may be reached. */
  #guardedLookup(url: URL): LookupFunction {
    return (_host, options, callback) => {
      this.#addressesOf(url).then((addresses) => {
        const wanted = addresses.filter(({ family }) =>
          !options.family || options.family === family
        );
        const first = wanted[0];
        if (first === undefined) {
          throw new SeglogError("unavailable", `${url.hostname} has no address`);
        }
        if (options.all) callback(null, [...wanted]);
        else callback(null, first.address, first.family);
      }).catch((error) => callback(error, ""));
    };
  }

  /** All addresses of the host, each of which may be reached. One that may not refuses the name. */
  async #addressesOf(url: URL): Promise<readonly LookupAddress[]> {
    const host = hostOf(url);
    let addresses: readonly LookupAddress[];
    try {
      addresses = await this.#resolve(host);
    } catch (cause) {
      throw new SeglogError(
        "invalid-argument",
        `Cannot send webhooks to ${host.slice(0, 200)}: its name has no address (${
          messageOf(cause)
        })`,
        { cause },
      );
    }
    for (const { address } of addresses) this.#options.policy.checkAddress(address, url);
    return addresses;
  }
}

/** Takes the answer, of which only the head counts: a receiver cannot fill our memory, or our time. */
function drain(answer: IncomingMessage, settle: (outcome: Outcome) => void): void {
  const outcome = { status: answer.statusCode ?? 0, retryAfter: answer.headers["retry-after"] };
  let bytes = 0;
  answer.on("data", (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > WEBHOOK_ANSWER_BYTES_MAX) settle(outcome);
  });
  for (const end of ["end", "close", "error"]) answer.on(end, () => settle(outcome));
}

function resolveAll(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    dnsLookup(host, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
}
