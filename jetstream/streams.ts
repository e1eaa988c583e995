/**
 * What is asked of JetStream about streams.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import type { ClusterUrl } from "./cluster_url.ts";
import type { Connection } from "./connection.ts";
import { asSeglogError, hasNumber, NUMBERS } from "./nats_errors.ts";
import type { RawMessage } from "./stored_message.ts";

/** What is known of a stream. */
export interface StreamInfo {
  /** When it was made. */
  readonly created: string;
  readonly config: {
    readonly subjects?: readonly string[];
    readonly metadata?: Readonly<Record<string, string>>;
  };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly last_seq: number;
    /** How many messages each subject has, where that was asked for. */
    readonly subjects?: Readonly<Record<string, number>>;
  };
}

/** What a stream is made as. */
export interface StreamPlan {
  readonly name: string;
  readonly subjects: readonly string[];
  /** For people who look at the cluster with other tools. */
  readonly description: string;
  /** What it is for, to know it again. */
  readonly kind: "catalogue" | "partition";
}

/** Which message: by its number, or the next of a subject from there on, or the last of one. */
export type MessageQuery =
  | { readonly seq: number; readonly next_by_subj?: string }
  | { readonly last_by_subj: string };

/** Format of what is in the streams; a stream of another is not touched. */
const FORMAT = "1";
const DESCRIPTION_MAX = 4000;

/** Streams of one cluster. */
export class Streams {
  readonly #connection: Connection;
  readonly #url: Pick<ClusterUrl, "replicas" | "storage">;

  constructor(connection: Connection, url: Pick<ClusterUrl, "replicas" | "storage">) {
    this.#connection = connection;
    this.#url = url;
  }

  /**
   * Makes a stream, or finds that it is there.
   *
   * @throws {SeglogError} `exists` when another program made it, or its subjects are another's
   */
  async make({ name, subjects, description, kind }: StreamPlan): Promise<void> {
    const config = {
      name,
      subjects,
      description: description.slice(0, DESCRIPTION_MAX),
      metadata: { seglog: FORMAT, kind },
      retention: "limits",
      discard: "new",
      storage: this.#url.storage,
      num_replicas: this.#url.replicas,
      max_msgs: -1,
      max_bytes: -1,
      max_age: 0,
      max_msg_size: -1,
      max_msgs_per_subject: kind === "catalogue" ? 1 : -1,
      deny_delete: kind === "partition",
      allow_direct: false, // whoever reads has to see the last append: only the leader surely has it
    };
    try {
      await this.#call(`STREAM.CREATE.${name}`, config, `make stream ${name}`);
    } catch (error) {
      if (!hasNumber(error, NUMBERS.streamExists)) {
        throw asSeglogError(error, `make stream ${name}`);
      }
      await this.checkOurs(name, kind);
    }
  }

  /** Whether a stream is there, and ours. @throws {SeglogError} `exists` when it is another's */
  async checkOurs(name: string, kind: StreamPlan["kind"]): Promise<boolean> {
    const metadata = (await this.info(name))?.config.metadata ?? {};
    if (metadata.seglog === FORMAT && metadata.kind === kind) return true;
    throw new SeglogError(
      "exists",
      `Cannot use stream ${name}: another program made it, or another version of seglog; ` +
        "connect with another prefix, such as /?prefix=mine",
    );
  }

  /** What is known of a stream; `undefined` when there is none. */
  async info(name: string, subjects?: string): Promise<StreamInfo | undefined> {
    const body = subjects === undefined ? undefined : { subjects_filter: subjects };
    return await this.#found(
      this.#call<StreamInfo>(`STREAM.INFO.${name}`, body, `look at stream ${name}`),
      `look at stream ${name}`,
    );
  }

  /** Removes a stream with all that is in it; one that is not there is as good as removed. */
  async delete(name: string): Promise<void> {
    const action = `delete stream ${name}`;
    await this.#found(this.#call(`STREAM.DELETE.${name}`, undefined, action), action);
  }

  /** Removes messages from the front: those below a number, of one subject where it is given. */
  async purge(name: string, below: number, subject?: string): Promise<void> {
    const body = { seq: below, ...subject === undefined ? {} : { filter: subject } };
    const action = `remove messages of stream ${name}`;
    await this.#found(this.#call(`STREAM.PURGE.${name}`, body, action), action);
  }

  /**
   * One message, as the leader of the stream has it.
   *
   * @returns `undefined` when it is not there; `"no stream"` when the stream is not
   */
  async message(name: string, query: MessageQuery): Promise<RawMessage | "no stream" | undefined> {
    const action = `read stream ${name}`;
    try {
      const body = `STREAM.MSG.GET.${name}`;
      return (await this.#call<{ message: RawMessage }>(body, query, action)).message;
    } catch (error) {
      if (hasNumber(error, NUMBERS.messageNotFound)) return undefined;
      if (hasNumber(error, NUMBERS.streamNotFound)) return "no stream";
      throw asSeglogError(error, action);
    }
  }

  /** @throws {SeglogError} `unsupported` when the account has no JetStream */
  async checkEnabled(): Promise<void> {
    try {
      await this.#call("INFO", undefined, "use JetStream");
    } catch (error) {
      const mapped = asSeglogError(error, "use the cluster");
      if (!/no server answers/.test(mapped.message)) throw mapped;
      throw new SeglogError(
        "unsupported",
        "Cannot use the cluster: no JetStream answers there; start the servers with JetStream, " +
          "or wait for a leader and connect again",
        { cause: error },
      );
    }
  }

  async #found<T>(call: Promise<T>, action: string): Promise<T | undefined> {
    try {
      return await call;
    } catch (error) {
      if (hasNumber(error, NUMBERS.streamNotFound)) return undefined;
      throw asSeglogError(error, action);
    }
  }

  #call<T>(subject: string, body: unknown, action: string): Promise<T> {
    return this.#connection.call<T>(subject, body, { action });
  }
}
