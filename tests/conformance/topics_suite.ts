/** Topics: made, found, changed, deleted. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import { readRecords } from "../../mod.ts";
import { collect, rejectsWith, shown } from "../support/collect.ts";
import type { Promised } from "./promised.ts";

/** What every backend promises of this. */
export function topicsSuite(name: string, promise: Promised): void {
  describe(`${name}: topics`, () => {
    promise("a topic is made once, and found after that", async (backend) => {
      const first = await backend.ensureTopic("orders", { partitions: 3 });
      const second = await backend.ensureTopic("orders");
      assert.equal(first.created, true);
      assert.equal(second.created, false);
      assert.equal(second.topic.id, first.topic.id);
      assert.equal(second.topic.config.partitions, 3);
    });

    promise("a topic is not made again with other settings", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 3 });
      await rejectsWith("exists", () => backend.ensureTopic("orders", { partitions: 4 }));
    });

    promise("topics are listed by name", async (backend) => {
      for (const topic of ["b", "a/b", "ä", "😀"]) await backend.ensureTopic(topic);
      const names = (await backend.listTopics()).map((topic) => topic.name);
      assert.deepEqual(names, ["a/b", "b", "ä", "😀"]);
    });

    promise("a topic is described with its partitions", async (backend) => {
      await backend.ensureTopic("orders", { partitions: 2 });
      await backend.append("orders", [{ value: "a" }], { partition: 1 });
      const { partitions } = await backend.describeTopic("orders");
      assert.deepEqual(partitions.map(({ nextOffset }) => nextOffset), [0, 1]);
      assert.deepEqual(partitions.map(({ segments }) => segments), [1, 1]);
      assert.ok(partitions[1]!.bytes > partitions[0]!.bytes);
    });

    promise("settings can be changed, partitions cannot", async (backend) => {
      await backend.ensureTopic("orders");
      const changed = await backend.configureTopic("orders", { retentionRecords: 5 });
      assert.equal(changed.config.retentionRecords, 5);
      assert.equal((await backend.describeTopic("orders")).config.retentionRecords, 5);
      await rejectsWith(
        "invalid-argument",
        () => backend.configureTopic("orders", { partitions: 2 }),
      );
    });

    promise("a setting of zero, or one that is not known, is refused", async (backend) => {
      await backend.ensureTopic("orders");
      for (const config of [{ retentionBytes: 0 }, { segmentBytes: 0 }, { partitions: 0 }]) {
        await rejectsWith("invalid-argument", () => backend.ensureTopic("other", config));
      }
      const unknown = { retention: 5 } as Record<string, unknown>;
      await rejectsWith("invalid-argument", () => backend.configureTopic("orders", unknown));
    });

    promise("a deleted topic is gone, and its name starts anew", async (backend) => {
      await backend.append("orders", [{ value: "old" }]);
      await backend.deleteTopic("orders");
      await rejectsWith("not-found", () => backend.describeTopic("orders"));
      const { start } = await backend.append("orders", [{ value: "new" }]);
      assert.equal(start, 0);
      assert.deepEqual(await shown(readRecords(backend, "orders")), ["0:new"]);
    });

    promise("names that cannot be topics are refused", async (backend) => {
      for (const topic of ["", "x".repeat(201), "a\nb", "a\u0000b", "__mine"]) {
        await rejectsWith("invalid-argument", () => backend.ensureTopic(topic));
      }
    });

    promise("names with slashes, dots and upper case are topics of their own", async (backend) => {
      const names = ["../x", "..", ".", "a/b", "a%2Fb", "A", "a", "x".repeat(200), "Ä".repeat(100)];
      for (const [index, name] of names.entries()) {
        await backend.append(name, [{ value: `v${index}` }]);
      }
      for (const [index, name] of names.entries()) {
        assert.deepEqual(await shown(readRecords(backend, name)), [`0:v${index}`]);
      }
    });

    promise("a topic that is not there is not found", async (backend) => {
      await rejectsWith("not-found", () => backend.bounds("nothing"));
      await rejectsWith("not-found", () => collect(backend.batches("nothing")));
      await rejectsWith("not-found", () => backend.deleteTopic("nothing"));
      await rejectsWith("not-found", () => backend.truncate("nothing", { before: 0 }));
      await backend.ensureTopic("orders");
      await rejectsWith("not-found", () => backend.bounds("orders", 1));
      await rejectsWith(
        "not-found",
        () => backend.append("orders", [{ value: "a" }], { partition: 1 }),
      );
    });
  });
}
