/**
 * Delivers the records of one partition to one webhook: in order, each at least once. The position is
 * noted behind a delivery when that has arrived; a crash in between delivers it again.
 *
 * @module
 */
import { boundsFrom } from "../../core/at_origin.ts";
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { isNotFound, messageOf, SeglogError } from "../../core/base/errors.ts";
import { webhookSecret, webhookSignature } from "../../core/base/webhook_signature.ts";
import { WEBHOOK_GIVE_UP_MS, WEBHOOK_PASSED_RECORDS, WEBHOOK_STOP_MS } from "../limits.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { describeFault } from "../problem.ts";
import { delayAfter, retryAfterMs, waited } from "./backoff.ts";
import type { Outcome, Sender } from "./http_sender.ts";
import { type Parcel, readParcel, recordsCome } from "./parcel.ts";
import type { Slots } from "./slots.ts";
import type { PauseReason, Position, Progress, StoredWebhook } from "./webhook.ts";

/** What all couriers of a server share. */
export interface CourierSupport {
  readonly sender: Sender;
  readonly slots: Slots;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly notice: (text: string) => void;
  /** The version of seglog that is shown. */
  readonly version: string;
}

/** What one courier works for. */
export interface Errand {
  readonly webhook: StoredWebhook;
  readonly partition: number;
  readonly position: Position;
  readonly backend: Backend;
  /** Notes where the webhook is. */
  readonly move: (position: Position) => Promise<void>;
  /** Ends the deliveries of the webhook, this one included. */
  readonly pause: (reason: PauseReason, detail: string) => void;
}

const HTTP_GONE = 410;

/** Delivers until it is stopped, or its webhook is paused. */
export class Courier {
  readonly #errand: Errand;
  readonly #support: CourierSupport;
  /** Ends waiting, and what would begin. */
  readonly #stopping = new AbortController();
  /** Ends what is on its way. */
  readonly #cutting = new AbortController();
  readonly #source: { topic: string; partition: number; key: string | undefined };
  readonly #running: Promise<void>;
  #position: Position;
  /** The offset of the position that was noted last. */
  #noted: number;
  /** How deliveries go. */
  readonly progress: Progress = {
    delivered: 0,
    failures: 0,
    lastError: undefined,
    retryAtMs: undefined,
  };

  constructor(errand: Errand, support: CourierSupport) {
    const { webhook: { topic, key }, partition, position } = errand;
    this.#errand = errand;
    this.#support = support;
    this.#position = position;
    this.#noted = position.offset;
    this.#source = { topic, partition, key };
    this.#running = this.#run();
  }

  /** Where it is. */
  get position(): Position {
    return this.#position;
  }

  /** Ends it. What is on its way has a while to arrive, and is noted then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const cancel = this.#support.clock.after(WEBHOOK_STOP_MS, () => this.#cutting.abort());
    await this.#running;
    cancel();
  }

  async #run(): Promise<void> {
    const { backend, pause } = this.#errand;
    const { signal } = this.#stopping;
    let readFailures = 0;
    while (!signal.aborted) {
      try {
        const from = this.#position.offset;
        const { nextOffset } = await boundsFrom(backend, this.#source, { offset: from, signal });
        if (from === nextOffset) await recordsCome(backend, this.#source, { from, signal });
        else await this.#deliver(nextOffset);
        readFailures = 0;
      } catch (error) {
        if (signal.aborted) break;
        const reason = await this.#reasonToPause(error);
        if (reason !== undefined) return pause(reason, messageOf(error));
        this.#tell(`cannot be read: ${describeFault(error)}`);
        await this.#wait(delayAfter(++readFailures, this.#support.random()));
      }
    }
    if (this.#position.offset !== this.#noted) await this.#moveTo(this.#position);
  }

  /** Delivers what comes next, below `until`: the same records until they have arrived. */
  async #deliver(until: number): Promise<void> {
    const { backend, webhook } = this.#errand;
    const { slots } = this.#support;
    const from = this.#position.offset;
    let range = { from, until, recordsMax: webhook.batch };
    for (;;) {
      const { parcel, outcome } = await slots.run(async () => {
        const parcel = await readParcel(backend, this.#source, range);
        return { parcel, outcome: parcel.records === 0 ? undefined : await this.#send(parcel) };
      }, { owner: backend, signal: this.#stopping.signal });
      if (outcome === undefined) return await this.#pass(parcel.end);
      if (isSuccess(outcome)) return await this.#arrived(parcel);
      if (this.#stopping.signal.aborted) return;
      if (!(await this.#failed(parcel, outcome))) return;
      range = { from, until: parcel.end, recordsMax: Infinity };
    }
  }

  async #send(parcel: Parcel): Promise<Outcome> {
    const { webhook, partition } = this.#errand;
    const { sender } = this.#support;
    const id = `msg_${webhook.series}_${partition}_${parcel.start}_${parcel.end}`;
    return await sender.send({
      url: new URL(webhook.url),
      headers: deliveryHeaders(webhook, { id, body: parcel.body }, this.#support),
      body: parcel.body,
      signal: this.#cutting.signal,
    });
  }

  /** There was nothing to deliver: that is noted now and then, and when it ends. */
  async #pass(offset: number): Promise<void> {
    const isFar = offset - this.#noted >= WEBHOOK_PASSED_RECORDS;
    if (isFar) await this.#moveTo({ offset });
    else this.#position = { ...this.#position, offset };
  }

  async #arrived({ end, records }: Parcel): Promise<void> {
    const { progress } = this;
    this.#support.metrics.webhookDelivered(records);
    progress.delivered++;
    if (this.#position.failingSinceMs !== undefined) this.#tell("arrives again");
    progress.failures = 0;
    progress.lastError = undefined;
    progress.retryAtMs = undefined;
    await this.#moveTo({ offset: end });
  }

  /** Waits after a failure. @returns whether to try again */
  async #failed({ start, end }: Parcel, outcome: Outcome): Promise<boolean> {
    const { clock, metrics, random } = this.#support;
    const { progress } = this;
    const nowMs = clock.now();
    const what = outcome.error ?? `it was answered with status ${outcome.status}`;
    metrics.webhookFailed();
    progress.failures++;
    progress.lastError = what;
    const { failingSinceMs } = this.#position;
    if (outcome.status === HTTP_GONE) {
      this.#errand.pause("gone", `the receiver answered that it is gone (status ${HTTP_GONE})`);
      return false;
    }
    if (failingSinceMs === undefined) {
      this.#tell(`of offsets ${start} to ${end - 1} fails: ${what}; it is tried again`);
      await this.#moveTo({ ...this.#position, failingSinceMs: nowMs });
    } else if (nowMs - failingSinceMs >= WEBHOOK_GIVE_UP_MS) {
      const since = new Date(failingSinceMs).toISOString();
      this.#errand.pause("gave-up", `deliveries fail since ${since}: ${what}`);
      return false;
    }
    const asked = retryAfterMs(outcome.retryAfter, nowMs) ?? 0;
    await this.#wait(Math.max(asked, delayAfter(progress.failures, random())));
    return !this.#stopping.signal.aborted;
  }

  async #wait(ms: number): Promise<void> {
    const { clock } = this.#support;
    this.progress.retryAtMs = clock.now() + ms;
    await waited(ms, { clock, signal: this.#stopping.signal });
    this.progress.retryAtMs = undefined;
  }

  /** Where the position cannot be noted, deliveries go on: at the worst they come again. */
  async #moveTo(position: Position): Promise<void> {
    this.#position = position;
    try {
      await this.#errand.move(position);
      this.#noted = position.offset;
    } catch (error) {
      this.#tell(`cannot note where it is: ${describeFault(error)}`);
    }
  }

  /** Whether reading will fail for ever, until somebody decides what to do. */
  async #reasonToPause(error: unknown): Promise<PauseReason | undefined> {
    const { backend, webhook } = this.#errand;
    try {
      const { id } = await backend.describeTopic(webhook.topic);
      if (id !== webhook.topicId) return "topic-gone";
    } catch (cause) {
      return isNotFound(cause) ? "topic-gone" : undefined;
    }
    const isLost = error instanceof SeglogError &&
      ["offset-out-of-range", "lost", "corrupt"].includes(error.code);
    return isLost ? "lost" : undefined;
  }

  #tell(what: string): void {
    const { webhook: { name, topic }, partition } = this.#errand;
    this.#support.notice(
      `webhook ${name}: delivery from "${topic}" partition ${partition} ${what}`,
    );
  }
}

/** The headers of a delivery, as Standard Webhooks has them. */
export function deliveryHeaders(
  { name, secret }: StoredWebhook,
  { id, body }: { readonly id: string; readonly body: Uint8Array },
  { clock, version }: Pick<CourierSupport, "clock" | "version">,
): Record<string, string> {
  const timestamp = Math.floor(clock.now() / 1000);
  return {
    "content-type": "application/json",
    "user-agent": `seglog/${version}`,
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": webhookSignature(webhookSecret(secret), { id, timestamp, body }),
    "seglog-webhook": name,
  };
}

/** Whether a delivery has arrived. Redirects are not followed: they would lead anywhere. */
export function isSuccess({ status = 0 }: Outcome): boolean {
  return status >= 200 && status < 300;
}
