/**
 * A webhook: what is sent where, and how it stands.
 *
 * @module
 */
import { z } from "zod";
import { PARTITIONS_MAX } from "../../core/base/limits.ts";
import { WEBHOOK_RECORDS_DEFAULT, WEBHOOK_RECORDS_MAX, WEBHOOK_URL_MAX } from "../limits.ts";

/** What a webhook may be called: it stands in paths and headers. */
export const WEBHOOK_NAME = /^[a-z\d][a-z\d._-]{0,63}$/i;

/** What a client says of a webhook. */
export const webhookBody = z.strictObject({
  topic: z.string(),
  url: z.string().max(WEBHOOK_URL_MAX),
  /** All unless given. */
  partitions: z.array(z.int().min(0).max(PARTITIONS_MAX - 1)).min(1).optional(),
  /** Most records of one delivery. */
  batch: z.int().min(1).max(WEBHOOK_RECORDS_MAX).default(WEBHOOK_RECORDS_DEFAULT),
  /** Only records with this key. */
  key: z.string().optional(),
  /** Where a new one begins, as `from` of a request that reads; what comes from now on unless given. */
  from: z.union([z.string(), z.int().min(0)]).optional(),
  /** Made by the server unless given. */
  secret: z.string().optional(),
});

/** The same, read. */
export type NewWebhook = z.infer<typeof webhookBody>;

/** Where to go on. */
export interface ResumeOptions {
  /** As `from` of a request that reads; where it stopped unless given. */
  readonly from?: string | number | undefined;
  /** All of the webhook's unless given. */
  readonly partition?: number | undefined;
}

/** Why a webhook is paused. */
export type PauseReason = "asked" | "gave-up" | "gone" | "lost" | "topic-gone";

/** Since when, and why. */
export interface Pause {
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  readonly reason: PauseReason;
  /** For people. */
  readonly detail: string;
}

/** A webhook as it is kept. */
export interface StoredWebhook {
  readonly name: string;
  readonly topic: string;
  /** A topic that is made anew under the same name is another one. */
  readonly topicId: string;
  readonly url: string;
  readonly partitions: readonly number[];
  readonly batch: number;
  readonly key?: string | undefined;
  /** It signs what is sent, and so is kept as it is. */
  readonly secret: string;
  /** Stands in the ids of deliveries: another one makes them new to a receiver. */
  readonly series: string;
  readonly createdMs: number;
  readonly pause: Pause | null;
}

/** Where a webhook is in a partition, as it is kept. */
export interface Position {
  /** The offset of the next record to be delivered. */
  readonly offset: number;
  /** Since when deliveries fail, if they do. */
  readonly failingSinceMs?: number | undefined;
}

/** How deliveries from one partition go, since the server started. */
export interface Progress {
  /** Deliveries that arrived. */
  delivered: number;
  /** Tries of the current delivery that failed. */
  failures: number;
  /** What came of the last try, where it failed. */
  lastError: string | undefined;
  /** When the next one is, while it waits for that. */
  retryAtMs: number | undefined;
}
