/**
 * A webhook as it is shown: all but its secret, and how its deliveries go.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { PauseReason } from "./webhook.ts";
import type { ActiveWebhook } from "./webhooks.ts";

/** Everything that whoever may use a webhook may know of it. */
export interface ShownWebhook {
  readonly name: string;
  readonly topic: string;
  readonly url: string;
  /** Most records of one delivery. */
  readonly batch: number;
  readonly key: string | null;
  readonly createdAt: string;
  readonly state: "active" | "failing" | "paused";
  readonly pause: {
    readonly since: string;
    readonly reason: PauseReason;
    readonly detail: string;
  } | null;
  readonly deliveries: readonly ShownDeliveries[];
}

/** How deliveries from one partition go. */
export interface ShownDeliveries {
  readonly partition: number;
  /** The offset that is delivered next. */
  readonly next: number;
  /** Offsets from there to the end; `null` where the topic is gone. */
  readonly behind: number | null;
  /** Deliveries that arrived since the server started, or the webhook was changed. */
  readonly delivered: number;
  /** Tries of the next one that failed. */
  readonly failures: number;
  readonly failingSince: string | null;
  readonly lastError: string | null;
  readonly retryAt: string | null;
}

/** A webhook with how it stands now. */
export async function shownWebhook(
  backend: Backend,
  { webhook, positions, couriers }: ActiveWebhook,
): Promise<ShownWebhook> {
  const { name, topic, url, batch, key, createdMs, pause } = webhook;
  const deliveries = await Promise.all(webhook.partitions.map(async (partition) => {
    const courier = couriers.get(partition);
    const { offset, failingSinceMs } = courier?.position ?? positions.get(partition) ??
      { offset: 0 };
    // The topic may be gone, which is why the webhook is paused.
    const end = await backend.bounds(topic, partition).then(
      ({ nextOffset }) => nextOffset,
      () => null,
    );
    const { delivered = 0, failures = 0, lastError, retryAtMs } = courier?.progress ?? {};
    return {
      partition,
      next: offset,
      behind: end === null ? null : Math.max(0, end - offset),
      delivered,
      failures,
      failingSince: timeIf(failingSinceMs),
      lastError: lastError ?? null,
      retryAt: timeIf(retryAtMs),
    };
  }));
  const isFailing = deliveries.some(({ failingSince }) => failingSince !== null);
  return {
    ...{ name, topic, url, batch, key: key ?? null, createdAt: time(createdMs) },
    state: pause !== null ? "paused" : isFailing ? "failing" : "active",
    pause: pause === null
      ? null
      : { since: time(pause.sinceMs), reason: pause.reason, detail: pause.detail },
    deliveries,
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function timeIf(ms: number | undefined): string | null {
  return ms === undefined ? null : time(ms);
}
