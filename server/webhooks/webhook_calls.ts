/**
 * What is asked of webhooks, wherever they are delivered: the answers are as they are shown.
 *
 * @module
 */
import type { Backend } from "../../core/backend.ts";
import { type ShownWebhook, shownWebhook } from "./show.ts";
import type { NewWebhook, ResumeOptions } from "./webhook.ts";
import type { ActiveWebhook, TestResult, Webhooks } from "./webhooks.ts";

/** A webhook that was made, or changed. */
export interface PutWebhook {
  readonly webhook: ShownWebhook;
  readonly isNew: boolean;
  /** Of one that was made, where it was made for it: it is told once. */
  readonly secret?: string;
}

/** The webhooks of one tenant. All methods throw as those of `Webhooks`. */
export interface WebhookCalls {
  /** All, in the order of their names. */
  list(): Promise<readonly ShownWebhook[]>;
  /** One of them. */
  get(name: string): Promise<ShownWebhook>;
  /** The topic of a webhook; `null` where there is none of this name. */
  topicOf(name: string): Promise<string | null>;
  /** Makes a webhook, or changes one. */
  put(name: string, body: NewWebhook): Promise<PutWebhook>;
  /** Removes one. */
  remove(name: string): Promise<void>;
  /** Delivers no more until it is resumed. */
  pause(name: string): Promise<ShownWebhook>;
  /** Delivers again. */
  resume(name: string, options: ResumeOptions): Promise<ShownWebhook>;
  /** Sends no records, to see whether they arrive. */
  test(name: string): Promise<TestResult>;
}

/** Those that this process delivers. */
export class OwnWebhooks implements WebhookCalls {
  readonly #webhooks: Webhooks;
  readonly #backend: Backend;

  constructor(webhooks: Webhooks, backend: Backend) {
    this.#webhooks = webhooks;
    this.#backend = backend;
  }

  async list(): Promise<readonly ShownWebhook[]> {
    const all = await this.#webhooks.list();
    return await Promise.all(all.map((each) => this.#shown(each)));
  }

  async get(name: string): Promise<ShownWebhook> {
    return await this.#shown(await this.#webhooks.get(name));
  }

  async topicOf(name: string): Promise<string | null> {
    return await this.#webhooks.topicOf(name) ?? null;
  }

  async put(name: string, body: NewWebhook): Promise<PutWebhook> {
    const { isNew, ...kept } = await this.#webhooks.put(name, body);
    const webhook = await this.#shown(kept);
    const { secret } = kept.webhook;
    return isNew && body.secret === undefined ? { webhook, isNew, secret } : { webhook, isNew };
  }

  async remove(name: string): Promise<void> {
    await this.#webhooks.remove(name);
  }

  async pause(name: string): Promise<ShownWebhook> {
    return await this.#shown(await this.#webhooks.pause(name));
  }

  async resume(name: string, options: ResumeOptions): Promise<ShownWebhook> {
    return await this.#shown(await this.#webhooks.resume(name, options));
  }

  async test(name: string): Promise<TestResult> {
    return await this.#webhooks.test(name);
  }

  #shown(webhook: ActiveWebhook): Promise<ShownWebhook> {
    return shownWebhook(this.#backend, webhook);
  }
}
