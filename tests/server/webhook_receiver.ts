/** Receives what webhooks deliver, without any network, and answers as a test says. */
import type { Delivery, Outcome, Sender } from "../../server/webhooks/http_sender.ts";

/** A delivery that came, and has not been answered. */
export class Received {
  readonly delivery: Delivery;
  /** Answers it. */
  readonly answer: (outcome: Outcome) => void;

  constructor(delivery: Delivery, answer: (outcome: Outcome) => void) {
    this.delivery = delivery;
    this.answer = answer;
  }

  get id(): string {
    return this.delivery.headers["webhook-id"]!;
  }

  get records(): { partition: number; offset: number; value: unknown }[] {
    return JSON.parse(new TextDecoder().decode(this.delivery.body));
  }

  get offsets(): number[] {
    return this.records.map(({ offset }) => offset);
  }
}

export class FakeReceiver implements Sender {
  /** All that came, in order. */
  readonly seen: Received[] = [];
  readonly #waiting: ((received: Received) => void)[] = [];
  readonly #unread: Received[] = [];
  /** Answers at once with this, while it is set. */
  always: Outcome | undefined;

  async check(): Promise<void> {}

  send(delivery: Delivery): Promise<Outcome> {
    return new Promise((resolve) => {
      const received = new Received(delivery, resolve);
      this.seen.push(received);
      delivery.signal.addEventListener("abort", () => resolve({ error: "it was cut off" }));
      if (this.always !== undefined) resolve(this.always);
      const next = this.#waiting.shift();
      if (next === undefined) this.#unread.push(received);
      else next(received);
    });
  }

  /** Resolves with the next delivery. */
  next(): Promise<Received> {
    const unread = this.#unread.shift();
    if (unread !== undefined) return Promise.resolve(unread);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
