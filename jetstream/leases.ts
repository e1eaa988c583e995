/**
 * Leases of an election: each is the last message of a subject in the stream of the catalogue, which
 * is written only behind the one that was read.
 *
 * @module
 */
import { headers as newHeaders } from "@nats-io/transport-node";
import { decodeUtf8, encodeUtf8 } from "../core/base/bytes.ts";
import { SeglogError } from "../core/base/errors.ts";
import type { Lease, LeaseRegister, SeenLease } from "../core/election/lease.ts";
import { answerOf, type Connection } from "./connection.ts";
import { asSeglogError, didNothing, hasNumber, NUMBERS } from "./nats_errors.ts";
import { contentOf, type RawMessage } from "./stored_message.ts";
import { catalogueStream, leaseSubject } from "./stream_names.ts";
import type { TopicCatalogue } from "./topic_catalogue.ts";

/** How long one try may take: a lease does not wait. */
const TRY_MS = 2000;
const NOTHING: SeenLease = { revision: 0, lease: undefined };

/** Leases in one cluster. */
export class JetStreamLeases implements LeaseRegister {
  readonly #connection: Connection;
  readonly #catalogue: TopicCatalogue;
  readonly #prefix: string;

  constructor(connection: Connection, catalogue: TopicCatalogue, prefix: string) {
    this.#connection = connection;
    this.#catalogue = catalogue;
    this.#prefix = prefix;
  }

  async read(duty: string): Promise<SeenLease> {
    const subject = `$JS.API.STREAM.MSG.GET.${catalogueStream(this.#prefix)}`;
    const payload = encodeUtf8(JSON.stringify({ last_by_subj: leaseSubject(this.#prefix, duty) }));
    try {
      await this.#connection.connected(Date.now() + TRY_MS);
      const data = await this.#connection.ask(subject, { payload, timeoutMs: TRY_MS });
      const { message } = answerOf<{ message: RawMessage }>(data);
      return { revision: message.seq, lease: leaseIn(message) };
    } catch (error) {
      if (hasNumber(error, NUMBERS.messageNotFound, NUMBERS.streamNotFound)) return NOTHING;
      throw asSeglogError(error, `see who holds "${duty}"`);
    }
  }

  async write(
    duty: string,
    lease: Lease | undefined,
    revision: number,
  ): Promise<number | undefined> {
    if (revision === 0) await this.#catalogue.make();
    const headers = newHeaders();
    headers.set("Nats-Expected-Last-Subject-Sequence", String(revision));
    const payload = encodeUtf8(JSON.stringify(lease ?? {}));
    try {
      await this.#connection.connected(Date.now() + TRY_MS);
      const asked = { payload, headers, timeoutMs: TRY_MS };
      const data = await this.#connection.ask(leaseSubject(this.#prefix, duty), asked);
      return answerOf<{ seq: number }>(data).seq;
    } catch (error) {
      if (hasNumber(error, NUMBERS.wrongLastSequence, NUMBERS.wrongLastSequenceUnknown)) {
        return undefined;
      }
      const told = asSeglogError(error, `hold "${duty}"`);
      if (didNothing(error)) throw told;
      throw new SeglogError("outcome-unknown", told.message, { cause: error });
    }
  }
}

/** What cannot be read is nobody's: the next one writes behind it. */
function leaseIn(message: RawMessage): Lease | undefined {
  try {
    const { holder, address, leaseMs } = JSON.parse(decodeUtf8(contentOf(message))) as Lease;
    const isWhole = typeof holder === "string" && typeof address === "string" &&
      Number.isSafeInteger(leaseMs);
    return isWhole ? { holder, address, leaseMs } : undefined;
  } catch {
    return undefined;
  }
}
