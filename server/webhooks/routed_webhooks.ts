/**
 * The webhooks of topics that several servers serve: one of them delivers, and all ask it.
 *
 * @module
 */
import { SeglogError } from "../../core/base/errors.ts";
import type { DutyRequestOptions, Election } from "../../core/election_contract.ts";
import type { ShownWebhook } from "./show.ts";
import type { NewWebhook, ResumeOptions } from "./webhook.ts";
import type { PutWebhook, WebhookCalls } from "./webhook_calls.ts";
import type { TestResult } from "./webhooks.ts";

/** What whoever delivers webhooks is elected for: those of all tenants. */
export const WEBHOOKS_DUTY = "webhooks";

/** One method of a tenant's webhooks, called in another process. */
export type WebhookCall =
  & { readonly tenant: string }
  & (
    | { readonly call: "list" }
    | {
      readonly call: "get" | "topicOf" | "remove" | "pause" | "test";
      readonly name: string;
    }
    | { readonly call: "put"; readonly name: string; readonly body: NewWebhook }
    | { readonly call: "resume"; readonly name: string; readonly options: ResumeOptions }
  );

type OwnCall<Call = WebhookCall> = Call extends unknown ? Omit<Call, "tenant"> : never;

const REPEATABLE: DutyRequestOptions = { repeatable: true };
/** The receiver may take its time to answer, and others may be before it. */
const TESTING: DutyRequestOptions = { waitMs: 30_000 };

/** The webhooks of a tenant, that whoever is elected delivers. */
export class RoutedWebhooks implements WebhookCalls {
  readonly #election: Election;
  readonly #tenant: string;

  constructor(election: Election, tenant: string) {
    this.#election = election;
    this.#tenant = tenant;
  }

  list(): Promise<readonly ShownWebhook[]> {
    return this.#ask({ call: "list" }, REPEATABLE);
  }

  get(name: string): Promise<ShownWebhook> {
    return this.#ask({ call: "get", name }, REPEATABLE);
  }

  topicOf(name: string): Promise<string | null> {
    return this.#ask({ call: "topicOf", name }, REPEATABLE);
  }

  put(name: string, body: NewWebhook): Promise<PutWebhook> {
    return this.#ask({ call: "put", name, body });
  }

  async remove(name: string): Promise<void> {
    await this.#ask({ call: "remove", name });
  }

  pause(name: string): Promise<ShownWebhook> {
    return this.#ask({ call: "pause", name }, REPEATABLE);
  }

  resume(name: string, options: ResumeOptions): Promise<ShownWebhook> {
    return this.#ask({ call: "resume", name, options });
  }

  test(name: string): Promise<TestResult> {
    return this.#ask({ call: "test", name }, TESTING);
  }

  async #ask<Answer>(question: OwnCall, options?: DutyRequestOptions): Promise<Answer> {
    const whole = { tenant: this.#tenant, ...question };
    return await this.#election.request(WEBHOOKS_DUTY, whole, options) as Answer;
  }
}

/** Calls the method. */
export async function answerWebhookCall(
  webhooks: WebhookCalls,
  question: WebhookCall,
): Promise<unknown> {
  switch (question.call) {
    case "list":
      return await webhooks.list();
    case "put":
      return await webhooks.put(question.name, question.body);
    case "resume":
      return await webhooks.resume(question.name, question.options);
    case "get":
    case "topicOf":
    case "pause":
    case "test":
      return await webhooks[question.call](question.name);
    case "remove":
      await webhooks.remove(question.name);
      return null;
    default:
      throw new SeglogError(
        "unsupported",
        "Cannot do what another server asks of the webhooks: it is of another version",
      );
  }
}
