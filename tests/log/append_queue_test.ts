import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppendQueue } from "../../core/log/append_queue.ts";

const OS = { kind: "os" } as const;

describe("a queue in which a batch cannot be finished", () => {
  const filled = () => {
    let isBroken = true;
    const queue = new AppendQueue(7, () => {
      if (isBroken) throw new RangeError("no memory");
      return "none";
    });
    return { queue, repair: () => void (isBroken = false) };
  };

  test("tells so when its work is taken, also when that batch was finished early", () => {
    for (const early of [false, true]) {
      const { queue } = filled();
      const producer = early ? { id: "p", epoch: 0, sequence: 0 } : undefined;
      queue.add([{ value: "a" }], 5, producer);
      queue.wait(OS, queue.end).catch(() => {});
      assert.throws(() => queue.take(), { message: "no memory" });
    }
  });

  test("goes on from where it is reset, with those who waited handed back", async () => {
    const { queue, repair } = filled();
    queue.add([{ value: "a" }], 5);
    const waiting = queue.wait(OS, queue.end);
    assert.throws(() => queue.take());
    const waiters = queue.reset(7);
    assert.equal(waiters.length, 1);
    waiters[0]!.reject(new Error("turned away"));
    await assert.rejects(waiting, { message: "turned away" });
    repair();
    assert.deepEqual(queue.add([{ value: "b" }], 5), { start: 7, end: 8 });
    assert.deepEqual(queue.take().batches.map(({ header }) => header.baseOffset), [7]);
  });
});
