/**
 * A webhook as it is shown: all but its secret, and how its deliveries go.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import type { ActiveWebhook } from "./webhooks.ts";

/** Everything that whoever may use a webhook may know of it. */
export async function shownWebhook(
  backend: Backend,
  { webhook, positions, couriers }: ActiveWebhook,
): Promise<Record<string, unknown>> {
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
      failingSince: time(failingSinceMs),
      lastError: lastError ?? null,
      retryAt: time(retryAtMs),
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

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
