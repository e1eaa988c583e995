/**
 * The webhooks of one tenant: those that are kept, and the couriers that deliver for them.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { caughtUpWith } from "../../core/at_origin.ts";
import type { Backend } from "../../core/backend.ts";
import { encodeUtf8 } from "../../core/base/bytes.ts";
import { encodeBase64 } from "../../core/base/base64.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { Mutex } from "../../core/base/mutex.ts";
import { SECRET_PREFIX, webhookSecret } from "../../core/base/webhook_signature.ts";
import { parseOffsetSelector, resolveOffset } from "../../core/offset_range.ts";
import type { Buckets } from "../buckets.ts";
import { WEBHOOKS_MAX } from "../limits.ts";
import { Courier, type CourierSupport, deliveryHeaders, isSuccess } from "./courier.ts";
import { checkPut, checkReadable, checkResume, partitionsOf, urlOf } from "./checks.ts";
import type {
  NewWebhook,
  Pause,
  PauseReason,
  Position,
  ResumeOptions,
  StoredWebhook,
} from "./webhook.ts";
import { WEBHOOK_BUCKET, WebhookBook } from "./webhook_book.ts";

/** A webhook, and who delivers for it; nobody while it is paused. */
export interface ActiveWebhook {
  readonly webhook: StoredWebhook;
  readonly positions: Map<number, Position>;
  readonly couriers: ReadonlyMap<number, Courier>;
}

/** What came of sending a webhook something to see whether it arrives. */
export interface TestResult {
  readonly isDelivered: boolean;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly ms: number;
}

const SECRET_BYTES = 32;
const SERIES_BYTES = 8;

/** Keeps webhooks, and delivers for them from {@linkcode Webhooks.start} on. */
export class Webhooks {
  readonly #backend: Backend;
  readonly #book: WebhookBook;
  readonly #support: CourierSupport;
  readonly #active = new Map<string, ActiveWebhook>();
  readonly #changes = new Mutex();
  #starting: Promise<void> | undefined;
  #isClosed = false;

  constructor(backend: Backend, buckets: Buckets, support: CourierSupport) {
    this.#backend = backend;
    this.#book = new WebhookBook(buckets);
    this.#support = support;
  }

  /** Begins to deliver, where it has not begun. @throws {SeglogError} what reading them throws */
  start(): Promise<void> {
    this.#starting ??= this.#changes.run(async () => {
      await caughtUpWith(this.#backend, WEBHOOK_BUCKET);
      for (const { webhook, positions } of await this.#book.all()) {
        this.#activate(webhook, new Map(positions));
        if (webhook.pause !== null) this.#support.metrics.webhookPaused(1);
      }
    }).catch((error) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** All, in the order of their names. */
  async list(): Promise<ActiveWebhook[]> {
    await this.start();
    return [...this.#active.values()].toSorted((a, b) => a.webhook.name < b.webhook.name ? -1 : 1);
  }

  /** One of them. @throws {SeglogError} `not-found` */
  async get(name: string): Promise<ActiveWebhook> {
    await this.start();
    return this.#find(name);
  }

  /** The topic of a webhook; `undefined` where there is none of this name. */
  async topicOf(name: string): Promise<string | undefined> {
    await this.start();
    return this.#active.get(name)?.webhook.topic;
  }

  /**
   * Makes a webhook, or changes one: then it goes on where it is.
   *
   * @returns whether it was made, and whether its secret was made for it
   * @throws {SeglogError} `not-found` for the topic; `invalid-argument`; `forbidden` for a URL that
   * nothing may be sent to; `exists` for what cannot be changed; `quota-full`
   */
  async put(
    name: string,
    body: NewWebhook,
  ): Promise<ActiveWebhook & { readonly isNew: boolean }> {
    await this.start();
    if (body.secret !== undefined) webhookSecret(body.secret);
    const url = urlOf(body.url);
    await this.#support.sender.check(url);
    return await this.#changes.run(async () => {
      const before = this.#active.get(name);
      checkPut(name, body, before?.webhook);
      if (before === undefined && this.#active.size >= WEBHOOKS_MAX) {
        throw new SeglogError(
          "quota-full",
          `Cannot make the webhook "${name}": there are ${WEBHOOKS_MAX}, which are the most`,
        );
      }
      const details = await this.#backend.describeTopic(body.topic);
      const partitions = partitionsOf(details, body.partitions);
      const starts = new Map<number, Position>();
      for (const partition of partitions) {
        if (before?.positions.has(partition)) continue;
        starts.set(partition, { offset: await this.#offsetOf(body.topic, partition, body.from) });
      }
      const { secret, series, createdMs, pause = null } = before?.webhook ?? {};
      const webhook: StoredWebhook = {
        name,
        topic: body.topic,
        topicId: before?.webhook.topicId ?? details.id,
        url: url.href,
        partitions,
        batch: body.batch,
        key: body.key,
        secret: body.secret ?? secret ?? SECRET_PREFIX + encodeBase64(randomBytes(SECRET_BYTES)),
        series: series ?? newSeries(),
        createdMs: createdMs ?? this.#support.clock.now(),
        pause,
      };
      await this.#halt(before);
      await this.#keep(webhook, new Map([...unfailed(before?.positions), ...starts]));
      return { ...this.#find(name), isNew: before === undefined };
    });
  }

  /** Removes a webhook with its positions. @throws {SeglogError} `not-found` */
  async remove(name: string): Promise<void> {
    await this.get(name);
    await this.#changes.run(async () => {
      const found = this.#find(name);
      await this.#halt(found);
      await this.#orAsBefore(found, () => this.#book.remove(found));
      this.#active.delete(name);
      if (found.webhook.pause !== null) this.#support.metrics.webhookPaused(-1);
    });
  }

  /** Delivers no more until it is resumed. @throws {SeglogError} `not-found` */
  async pause(name: string): Promise<ActiveWebhook> {
    await this.get(name);
    return await this.#changes.run(async () => {
      const found = this.#find(name);
      if (found.webhook.pause === null) await this.#setPause(found, "asked", "by hand");
      return this.#find(name);
    });
  }

  /**
   * Delivers again, from where it stopped or from elsewhere: then what is delivered is new to the
   * receiver, also where it was delivered before.
   *
   * @throws {SeglogError} `not-found`; `offset-out-of-range` where records that it has not delivered
   * are gone: say from where to go on
   */
  async resume(name: string, { from, partition }: ResumeOptions): Promise<ActiveWebhook> {
    await this.get(name);
    return await this.#changes.run(async () => {
      const found = this.#find(name);
      const { webhook } = found;
      const details = await this.#backend.describeTopic(webhook.topic);
      checkResume(webhook, details, { from, partition });
      const moved = new Map<number, Position>();
      for (const each of webhook.partitions) {
        const stays = from === undefined || (partition !== undefined && partition !== each);
        if (stays) await this.#checkReadable(webhook, each, found.positions.get(each));
        else moved.set(each, { offset: await this.#offsetOf(webhook.topic, each, from) });
      }
      await this.#halt(found);
      const series = from === undefined ? webhook.series : newSeries();
      const resumed = { ...webhook, topicId: details.id, series, pause: null };
      await this.#keep(resumed, new Map([...unfailed(found.positions), ...moved]));
      if (webhook.pause !== null) this.#support.metrics.webhookPaused(-1);
      return this.#find(name);
    });
  }

  /** Sends no records, signed, to see whether they arrive. @throws {SeglogError} `not-found` */
  async test(name: string): Promise<TestResult> {
    const { webhook } = await this.get(name);
    const { sender, slots, clock } = this.#support;
    const body = encodeUtf8("[]");
    const id = `msg_${webhook.series}_test_${clock.now()}`;
    const headers = deliveryHeaders(webhook, { id, body }, this.#support);
    const startMs = performance.now();
    const { signal } = new AbortController();
    const delivery = { url: new URL(webhook.url), headers, body, signal };
    const outcome = await slots.run(() => sender.send(delivery), { owner: this.#backend });
    const ms = Math.round(performance.now() - startMs);
    const { status, error } = outcome;
    return { isDelivered: isSuccess(outcome), status, error, ms };
  }

  /** Ends all deliveries. What arrives before that is noted. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#changes.run(async () => {
      const all = [...this.#active.values()];
      await Promise.all(all.map((active) => this.#halt(active)));
      for (const { webhook } of all) {
        if (webhook.pause !== null) this.#support.metrics.webhookPaused(-1);
      }
    });
  }

  #find(name: string): ActiveWebhook {
    const found = this.#active.get(name);
    if (found !== undefined) return found;
    throw new SeglogError(
      "not-found",
      `Cannot find the webhook ${
        JSON.stringify(name.slice(0, 80))
      }: there is none of that name; seglog webhook ls lists them`,
    );
  }

  async #offsetOf(
    topic: string,
    partition: number,
    from: string | number = "end",
  ): Promise<number> {
    const selector = parseOffsetSelector(String(from), this.#support.clock.now());
    const offset = await resolveOffset(this.#backend, topic, selector, partition);
    await this.#checkReadable({ topic }, partition, { offset });
    return offset;
  }

  async #checkReadable(
    { topic }: Pick<StoredWebhook, "topic">,
    partition: number,
    { offset }: Position = { offset: 0 },
  ): Promise<void> {
    await checkReadable(this.#backend, { topic, partition, offset });
  }

  async #keep(webhook: StoredWebhook, positions: Map<number, Position>): Promise<void> {
    const before = this.#active.get(webhook.name);
    await this.#orAsBefore(before, () => this.#book.keep({ webhook, positions }));
    this.#activate(webhook, positions);
  }

  /** Writes a change of a webhook that was halted; where that fails, what was before goes on. */
  async #orAsBefore(
    before: ActiveWebhook | undefined,
    write: () => Promise<void>,
  ): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (before !== undefined) this.#activate(before.webhook, before.positions);
      throw error;
    }
  }

  #activate(webhook: StoredWebhook, positions: Map<number, Position>): void {
    const couriers = new Map<number, Courier>();
    const active: ActiveWebhook = { webhook, positions, couriers };
    this.#active.set(webhook.name, active);
    // Beside the server that writes, which delivers, another may read: it does not deliver as well.
    const { canWrite } = this.#backend.capabilities;
    if (webhook.pause !== null || this.#isClosed || !canWrite) return;
    for (const partition of webhook.partitions) {
      const position = positions.get(partition) ?? { offset: 0 };
      const errand = {
        ...{ webhook, partition, position, backend: this.#backend },
        move: async (to: Position) => {
          positions.set(partition, to);
          await this.#book.move(webhook.name, partition, to);
        },
        pause: (reason: PauseReason, detail: string) => this.#paused(active, reason, detail),
      };
      couriers.set(partition, new Courier(errand, this.#support));
    }
  }

  /** A courier cannot go on. It does not wait for this, which waits for it. */
  #paused(active: ActiveWebhook, reason: PauseReason, detail: string): void {
    this.#changes.run(async () => {
      if (this.#active.get(active.webhook.name) !== active || active.webhook.pause !== null) return;
      await this.#setPause(active, reason, detail);
    }).catch((error) => this.#support.notice(`webhooks: ${error}`));
  }

  async #setPause(active: ActiveWebhook, reason: PauseReason, detail: string): Promise<void> {
    const { webhook, positions } = active;
    await this.#halt(active);
    const pause: Pause = { sinceMs: this.#support.clock.now(), reason, detail };
    const { name } = webhook;
    this.#support.metrics.webhookPaused(1);
    if (reason !== "asked") {
      this.#support.notice(
        `webhook ${name}: paused, nothing is delivered: ${detail}; seglog webhook resume ${name} goes on`,
      );
    }
    this.#activate({ ...webhook, pause }, positions);
    await this.#book.keep({ webhook: { ...webhook, pause }, positions });
  }

  async #halt(active: ActiveWebhook | undefined): Promise<void> {
    await Promise.all([...active?.couriers.values() ?? []].map((courier) => courier.stop()));
  }
}

/** What failed is given as long as if it had not failed before: what is changed may be why. */
function unfailed(positions: ReadonlyMap<number, Position> = new Map()): [number, Position][] {
  return [...positions].map(([partition, { offset }]) => [partition, { offset }]);
}

/** Ids of deliveries begin with it: another series is new to a receiver. */
function newSeries(): string {
  return randomBytes(SERIES_BYTES).toString("hex");
}
