/**
 * What a route works with: the request, taken apart, and what the server lends to all routes.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { Backend } from "../core/backend.ts";
import { decodeUtf8, isValidUtf8 } from "../core/base/bytes.ts";
import type { Clock } from "../core/base/clock.ts";
import { messageOf, SeglogError } from "../core/base/errors.ts";
import type { BodyBudget } from "./body_budget.ts";
import type { Access } from "./access/access.ts";
import type { CallerRules } from "./access/callers.ts";
import { demandCurrent } from "./access/credentials_ended.ts";
import type { Principal } from "./access/principal.ts";
import type { FrontDesk, Visitor } from "./front_desk.ts";
import type { Turn } from "./turn.ts";
import type { ServerLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { ProblemOptions } from "./problem.ts";
import { decodePercent, Query } from "./query.ts";
import { type BodyLimits, withBody } from "./request_body.ts";
import type { AuditLog } from "./access/audit.ts";
import type { RequestLog } from "./request_log.ts";
import type { Role, Work } from "./roles.ts";
import type { TenantServices } from "./tenant_services.ts";

/** What the routes of one server share, whoever asks. */
export interface Services {
  /** All routes of the server. */
  readonly routes: readonly Route[];
  /** The topics of all tenants, for what is measured over all of them. */
  readonly everything: Backend;
  /** Lets callers in. */
  readonly desk: FrontDesk;
  /** From where requests may come, and under which names. */
  readonly callers: CallerRules;
  readonly limits: ServerLimits;
  readonly budget: BodyBudget;
  readonly turn: Turn;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** What the server does with records. */
  readonly role: Role;
  /** How many connections are open. */
  readonly connections: () => number;
  /** What the server was told, and by whom. */
  readonly settings: readonly ShownSetting[];
  /** What this server calls what it serves, where several do. */
  readonly volumeId: string;
  /** Aborted when the server stops: followers are told, and no new work is taken. */
  readonly stopping: AbortSignal;
  /** The version of seglog that is shown. */
  readonly version: string;
  /** The server's own log. */
  readonly logger: Logger;
  /** Writes into it who changes how the server is run, or tries to. */
  readonly audit: AuditLog;
  /** Writes requests into it, where it is to have them. */
  readonly requestLog: RequestLog;
  /** Takes what the log should say, in one line. */
  readonly notice: (text: string) => void;
}

/** One setting of a server, as it is shown. */
export interface ShownSetting {
  /** Its name in a file of settings: `limits.body-bytes`. */
  readonly key: string;
  /** What holds, as it would be written. */
  readonly value: string;
  /** Who said so: `--http`, `variable PORT`, `seglog.yaml:3`, `default`. */
  readonly from: string;
}

/** Answers requests of one method and path. Errors may be thrown; they become problem details. */
export type Handler = (exchange: Exchange) => Response | Promise<Response>;

/** One method of one path. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /**
   * Segments, of which those that start with a colon stand for any. A last one that ends with a plus
   * stands for all that is left, slashes included.
   */
  readonly path: string;
  /** Who may use it. */
  readonly access: Access;
  /** What it does to records, where that is not what its access tells. */
  readonly work?: Work | "either";
  /** Whether its uses are told to the server's log, where that is not what its access tells. */
  readonly isAudited?: boolean;
  readonly handle: Handler;
  /** How errors are told; as problem details unless given. */
  readonly tell?: (error: unknown, options: ProblemOptions) => Response;
}

/** One request on its way to an answer. */
export class Exchange {
  readonly request: Request;
  readonly services: Services;
  /** Who asks, and what is theirs. */
  readonly visitor: Visitor;
  /** Cuts the connection when what was sent is out; there is none where the app is called directly. */
  readonly cut: (() => void) | undefined;
  /** The request as Node's server has it; there is none where the app is called directly. */
  readonly incoming: IncomingMessage | undefined;
  /** The path as it came. */
  readonly path: string;
  /** The segments of the path, still percent-encoded. */
  readonly #segments: readonly string[];
  readonly #search: string;

  constructor(
    request: Request,
    parts: {
      services: Services;
      visitor: Visitor;
      cut?: (() => void) | undefined;
      incoming?: IncomingMessage | undefined;
    },
  ) {
    this.request = request;
    this.cut = parts.cut;
    this.incoming = parts.incoming;
    this.services = parts.services;
    this.visitor = parts.visitor;
    const { path, search } = splitTarget(targetOf(request, parts.incoming));
    this.path = path;
    this.#segments = path.split("/");
    this.#search = search;
  }

  /** The topics, as far as whoever asks may use them. */
  get backend(): Backend {
    return this.visitor.backend;
  }

  /** Who asks. */
  get principal(): Principal {
    return this.visitor.principal;
  }

  /** What those share who belong to the same tenant. */
  get tenant(): TenantServices {
    return this.visitor.tenant;
  }

  /** The topic of `/v1/topics/{topic}/…`. @throws {SeglogError} `invalid-argument` */
  get topic(): string {
    return this.topicAt(3);
  }

  /**
   * The topic that a segment of the path names. A URL cannot carry `.` or `..`, encoded or not: these
   * two are written `.;` and `..;`.
   *
   * @throws {SeglogError} `invalid-argument`
   */
  topicAt(index: number): string {
    const segment = this.#segments[index] ?? "";
    return segment === ".;" || segment === "..;" ? segment.slice(0, -1) : this.segment(index);
  }

  /** The group of `/v1/groups/{group}/…`, written as a topic is. @throws {SeglogError} `invalid-argument` */
  get group(): string {
    return this.topic;
  }

  /** A segment of the path, decoded. @throws {SeglogError} `invalid-argument` */
  segment(index: number): string {
    return decodePercent(this.#segments[index] ?? "");
  }

  /** All of the path from a segment on, still percent-encoded. */
  rest(index: number): string {
    return this.#segments.slice(index).join("/");
  }

  /** The query, which may have these parameters. @throws {SeglogError} `invalid-argument` */
  query(...names: string[]): Query {
    return new Query(this.#search, names);
  }

  /**
   * A header whose bytes are UTF-8, as `curl` sends what is typed; HTTP libraries show them as
   * Latin-1. Such bytes that are not UTF-8 are taken as Latin-1.
   */
  textHeader(name: string): string | undefined {
    const header = this.request.headers.get(name);
    if (header === null) return undefined;
    const bytes = Uint8Array.from(header, (char) => char.charCodeAt(0));
    return isValidUtf8(bytes) ? decodeUtf8(bytes) : header;
  }

  /**
   * Reads the body, which counts against the server's budget until `use` ends. Requests whose bodies
   * are there in one turn go on together.
   *
   * @param bytesMax what this kind of body may have, where the server allows as much
   */
  body<Result>(
    bytesMax: number,
    use: (body: Uint8Array) => Result | Promise<Result>,
  ): Promise<Result> {
    const { limits, turn, metrics } = this.services;
    return withBody(
      this,
      this.#bodyLimits(Math.min(bytesMax, limits.bodyBytesMax)),
      async (body) => {
        metrics.receivedBytes("http", body.length);
        await turn.end();
        demandCurrent(this.visitor); // it may have been long in coming
        return use(body);
      },
    );
  }

  /** A small JSON body; `undefined` when it is empty. @throws {SeglogError} `invalid-argument` */
  settings(bytesMax: number): Promise<unknown> {
    return withBody(this, this.#bodyLimits(bytesMax), (body) => {
      demandCurrent(this.visitor);
      if (body.length === 0) return undefined;
      this.services.metrics.receivedBytes("http", body.length);
      try {
        return JSON.parse(decodeUtf8(body));
      } catch (cause) {
        throw new SeglogError("invalid-argument", `Cannot read the body: ${messageOf(cause)}`, {
          cause,
        });
      }
    });
  }

  #bodyLimits(bytesMax: number): BodyLimits {
    const { limits, budget } = this.services;
    return { bytesMax, ms: limits.bodyMs, budget };
  }
}

/** Paths that end with a key, which may be any text. */
const KEY_PATH = /^\/(?:v1\/kv|blobs)\//;

/**
 * The URL of a request; one that ends with a key as it came, where that is known: in a `URL`, `..` and
 * `%2e%2e` have taken away the segment before them. Bytes that should have been percent-encoded are.
 */
export function targetOf(request: Request, incoming: IncomingMessage | undefined): string {
  const target = incoming?.url;
  if (target === undefined || !KEY_PATH.test(target)) return request.url;
  const encoded = target.replace(
    /[\x80-\xff]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `http://localhost${encoded}`;
}

/** The path and the query of a URL as they came: nothing decoded. */
export function splitTarget(url: string): { path: string; search: string } {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const hash = url.indexOf("#", start);
  const end = hash < 0 ? url.length : hash;
  const mark = url.indexOf("?", start);
  if (mark < 0 || mark > end) return { path: url.slice(start, end), search: "" };
  return { path: url.slice(start, mark), search: url.slice(mark + 1, end) };
}
