/**
 * Where the webhooks of a tenant are kept: in a bucket of its own, with the position of each in each
 * partition.
 *
 * @module
 */
import { INTERNAL_PREFIX } from "../../core/format/file_names.ts";
import { json } from "../../core/format/record.ts";
import { isNotFound } from "../../core/base/errors.ts";
import type { Buckets } from "../buckets.ts";
import type { Position, StoredWebhook } from "./webhook.ts";

/** The bucket. */
export const WEBHOOK_BUCKET = `${INTERNAL_PREFIX}webhooks`;
const WEBHOOK = "webhook/";
const POSITION = "position/";

/** A webhook with where it is. */
export interface KeptWebhook {
  readonly webhook: StoredWebhook;
  readonly positions: ReadonlyMap<number, Position>;
}

/** The webhooks of one tenant. */
export class WebhookBook {
  readonly #buckets: Buckets;

  constructor(buckets: Buckets) {
    this.#buckets = buckets;
  }

  /** All that are kept. */
  async all(): Promise<KeptWebhook[]> {
    try {
      return await this.#buckets.use(WEBHOOK_BUCKET, { create: false }, async (kv) => {
        await kv.catchUp(); // with what another server wrote, which delivered before
        const positions = new Map<string, Map<number, Position>>();
        for await (const entry of kv.list({ prefix: POSITION })) {
          const [, name, partition] = entry.key.split("/") as [string, string, string];
          const ofName = positions.get(name) ?? new Map<number, Position>();
          positions.set(name, ofName.set(Number(partition), entry.json() as Position));
        }
        const kept: KeptWebhook[] = [];
        for await (const entry of kv.list({ prefix: WEBHOOK })) {
          const webhook = entry.json() as StoredWebhook;
          kept.push({ webhook, positions: positions.get(webhook.name) ?? new Map() });
        }
        return kept;
      });
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  /** Keeps a webhook with its positions, all of it or nothing. */
  async keep({ webhook, positions }: KeptWebhook): Promise<void> {
    await this.#buckets.use(WEBHOOK_BUCKET, { create: true }, (kv) =>
      kv.transaction((tx) => {
        const { value, type } = json(webhook);
        tx.set(WEBHOOK + webhook.name, { value, type });
        for (const [partition, position] of positions) {
          tx.set(positionKey(webhook.name, partition), json(position));
        }
      }));
  }

  /** Keeps where a webhook is. */
  async move(name: string, partition: number, position: Position): Promise<void> {
    await this.#buckets.use(
      WEBHOOK_BUCKET,
      { create: true },
      (kv) => kv.set(positionKey(name, partition), json(position)),
    );
  }

  /** Forgets a webhook. */
  async remove({ webhook, positions }: KeptWebhook): Promise<void> {
    await this.#buckets.use(WEBHOOK_BUCKET, { create: true }, (kv) =>
      kv.transaction((tx) => {
        tx.delete(WEBHOOK + webhook.name);
        for (const partition of positions.keys()) tx.delete(positionKey(webhook.name, partition));
      }));
  }
}

function positionKey(name: string, partition: number): string {
  return `${POSITION}${name}/${partition}`;
}
