/** Elections among nodes of one process, each with a clock of its own, and a network that can be cut. */
import assert from "node:assert/strict";
import { SeglogError } from "../../core/base/errors.ts";
import { LeasedElection } from "../../core/election/leased_election.ts";
import type { Lease, LeaseRegister, Post, SeenLease } from "../../core/election/lease.ts";
import { FakeClock } from "./fake_clock.ts";

/** How long leases count there. */
export const LEASE_MS = 6000;
/** How far clocks go at a time. */
const STEP_MS = 100;
/** Ten minutes of their time: what has not happened then does not. */
const STEPS_MAX = 6000;

type Receiver = (letter: unknown) => Promise<unknown>;

/** A node: what it does to elect, and what can be done to it. */
export interface ElectionNode extends AsyncDisposable {
  readonly election: LeasedElection;
  readonly clock: FakeClock;
  readonly notices: string[];
  /** Whether nothing reaches it, and it reaches nothing: what it sends meanwhile never arrives. */
  isCut: boolean;
  /** Whether its clock stands still, as it does for who is stopped or dead. */
  isStill: boolean;
  /** Whether the answer to the next lease that it writes is lost. */
  losesAnswer: boolean;
  /** How long the answers to leases that it writes are under way. */
  answersAfterMs: number;
}

/** Nodes that elect one of them. */
export class Electorate implements AsyncDisposable {
  readonly nodes: ElectionNode[] = [];
  readonly #leases = new Map<string, SeenLease & { readonly lease: Lease | undefined }>();
  readonly #receivers = new Map<string, { node: ElectionNode; receive: Receiver }>();
  #revision = 0;

  /** One node more. No clock shows the same time as another. */
  node(): ElectionNode {
    const address = `node${this.nodes.length}`;
    const clock = new FakeClock(1_000_000 * (this.nodes.length + 1));
    const notices: string[] = [];
    const node: ElectionNode = {
      ...{ clock, notices, isCut: false, isStill: false, losesAnswer: false, answersAfterMs: 0 },
      election: new LeasedElection({
        register: this.#registerOf(() => node),
        post: this.#postOf(() => node, address),
        clock,
        leaseMs: LEASE_MS,
        onNotice: (notice) => notices.push(notice),
      }),
      [Symbol.asyncDispose]: () => this.until(node.election.close()),
    };
    this.nodes.push(node);
    return node;
  }

  /** Who holds a duty, as the register has it. */
  addressOf(duty: string): string | undefined {
    return this.#leases.get(duty)?.lease?.address;
  }

  /** Lets time pass for all whose clocks go. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) await this.#step();
  }

  /** Lets time pass until something has come to its end. */
  async until<Type>(running: Promise<Type>): Promise<Type> {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    running.then(over, over);
    await turn();
    await this.untilSo(() => isOver);
    return await running;
  }

  /** Lets time pass until something is so. */
  async untilSo(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let steps = 0; !await isSo(); steps++) {
      assert.ok(steps < STEPS_MAX, "it never was so");
      await this.#step();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) Object.assign(node, { isCut: false, isStill: false });
    for (const node of this.nodes) await this.until(node.election.close());
  }

  async #step(): Promise<void> {
    for (const { clock, isStill } of this.nodes) if (!isStill) clock.advance(STEP_MS);
    await turn();
  }

  #registerOf(own: () => ElectionNode): LeaseRegister {
    return {
      read: async (duty) => {
        await this.#reach(own());
        return this.#leases.get(duty) ?? { revision: 0, lease: undefined };
      },
      write: async (duty, lease, revision) => {
        const node = own();
        await this.#reach(node);
        if ((this.#leases.get(duty)?.revision ?? 0) !== revision) return undefined;
        this.#leases.set(duty, { revision: ++this.#revision, lease });
        const written = this.#revision;
        const { clock, answersAfterMs } = node;
        if (answersAfterMs > 0) {
          await new Promise<void>((come) => clock.after(answersAfterMs, come));
        }
        if (!node.losesAnswer) return written;
        node.losesAnswer = false;
        throw new SeglogError("outcome-unknown", "Cannot tell whether it was written");
      },
    };
  }

  #postOf(own: () => ElectionNode, address: string): Post {
    return {
      address,
      receive: (receive) => {
        this.#receivers.set(address, { node: own(), receive });
        return () => void this.#receivers.delete(address);
      },
      send: async (to, letter, { timeoutMs, signal }) => {
        const node = own();
        const other = this.#receivers.get(to);
        if (node.isCut || other === undefined) throw new SeglogError("unavailable", "unheard");
        const lost = Promise.withResolvers<never>();
        const lose = () => lost.reject(new SeglogError("outcome-unknown", "no answer"));
        const cancel = node.clock.after(timeoutMs, lose);
        if (signal?.aborted) lose();
        signal?.addEventListener("abort", lose, { once: true });
        const answer = other.node.isCut || other.node.isStill
          ? new Promise(() => {})
          : overTheWire(overTheWire(letter).then(other.receive));
        return await Promise.race([answer, lost.promise]).finally(cancel);
      },
    };
  }

  async #reach({ isCut }: ElectionNode): Promise<void> {
    await undefined;
    if (isCut) throw new SeglogError("unavailable", "Cannot reach the register");
  }
}

/** What is not JSON does not arrive. */
async function overTheWire(letter: unknown): Promise<unknown> {
  return JSON.parse(JSON.stringify(await letter));
}

/** Lets everything run that does not wait for time to pass. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}
