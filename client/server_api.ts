/**
 * What a server offers beside its topics, as JSON: tokens, schemas, groups, and the like.
 *
 * @module
 */
import { decodeUtf8 } from "../core/base/bytes.ts";
import { jsonOf } from "./answers.ts";
import type { Request, Requests } from "./requests.ts";

const ONCE = { retries: 0, pauseMs: 0, pauseMsMax: 0 };
const JSON_HEADERS = { "content-type": "application/json" };

/** How long to wait, and for how much. */
export interface ApiOptions {
  /** Ends it early. */
  readonly signal?: AbortSignal;
  /** Added to the time that the server has: it was asked to wait. */
  readonly waitMs?: number;
  /** Most bytes of the answer that are taken. */
  readonly bytesMax?: number;
}

/** Asks for JSON, and sends JSON. All methods throw the error that the server tells. */
export class ServerApi {
  readonly #requests: Requests;

  /** The API of the server that these requests go to; `connect` makes it. */
  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /**
   * Asks for something.
   *
   * @param path below the server's URL, with its query: `/v1/tokens`
   */
  async get<Shape>(path: string, options: ApiOptions = {}): Promise<Shape> {
    return jsonOf(await this.#requests.read({ method: "GET", path, ...options }));
  }

  /** Asks by a body, which changes nothing, or may be sent twice without harm. */
  async ask<Shape>(
    path: string,
    body: unknown,
    options: ApiOptions = {},
  ): Promise<Shape> {
    const sent = { headers: JSON_HEADERS, body: JSON.stringify(body) };
    return jsonOf(await this.#requests.read({ method: "POST", path, ...sent, ...options }));
  }

  /**
   * The same by a body that is JSON already, and the answer as it came: numbers of 64 bits stay exact.
   * It is asked once: what took too long once would again.
   */
  async askText(
    path: string,
    body: string,
    options: ApiOptions = {},
  ): Promise<string> {
    const sent = { headers: JSON_HEADERS, body, policy: ONCE };
    return decodeUtf8(
      (await this.#requests.read({ method: "POST", path, ...sent, ...options })).body,
    );
  }

  /** Changes something once. @returns the answer; `undefined` when it has no body */
  async post<Shape>(path: string, body: unknown): Promise<Shape> {
    return await this.#change({ method: "POST", path, body: JSON.stringify(body) });
  }

  /** Makes something be so; sent again where the answer was lost. */
  async put<Shape>(path: string, body: unknown): Promise<Shape> {
    return await this.#change({
      method: "PUT",
      path,
      body: JSON.stringify(body),
      isRepeatable: true,
    });
  }

  /** Removes something. */
  async delete(path: string): Promise<void> {
    await this.#change({ method: "DELETE", path });
  }

  async #change<Shape>(request: Request): Promise<Shape> {
    const headers = request.body === undefined ? {} : JSON_HEADERS;
    const answer = await this.#requests.write({ ...request, headers });
    return (answer.body.length === 0 ? undefined : jsonOf(answer)) as Shape;
  }
}
