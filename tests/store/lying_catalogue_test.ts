/** A catalogue whose checksum is right, and whose contents are not. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Store, verify } from "../../mod.ts";
import { decodeChecked, encodeChecked } from "../../core/base/checked_document.ts";
import type { Catalogue } from "../../core/store/catalogue.ts";
import { rejectsWith } from "../support/collect.ts";
import { diskOf, filesIn, goldenFiles } from "../support/disk_of.ts";

const FOLDER = "/data/store";
const PATH = `${FOLDER}/store.json`;
const GOLDEN = goldenFiles("store-closed", FOLDER);
const { topics, dropping } = decodeChecked("store", GOLDEN[PATH]!, PATH) as Catalogue;
const [first, ...rest] = topics;
const configured = (config: Record<string, unknown>) => ({
  topics: [{ ...first!, config: { ...first!.config, ...config } }, ...rest],
  dropping,
});

describe("a catalogue with the right checksum", () => {
  const lies: Record<string, unknown> = {
    "is a list": [],
    "has no topics": { dropping },
    "has a topic that is null": { topics: [null], dropping },
    "has a topic of a name that none can have": { topics: [{ ...first, name: "a\n" }], dropping },
    "has a topic twice": { topics: [first, first], dropping },
    "has a topic without settings": { topics: [{ ...first, config: {} }], dropping },
    "has a topic of 4 billion partitions": configured({ partitions: 2 ** 32 - 1 }),
    "has a topic of half a partition": configured({ partitions: 0.5 }),
    "has a sync mode that is none": configured({ sync: "never" }),
    "wants the folder of the store removed": { topics, dropping: ["."] },
    "wants the folder above removed": { topics, dropping: ["../outside-0"] },
    "wants a folder of another kind removed": { topics, dropping: ["notes"] },
    "wants a number removed": { topics, dropping: [5] },
    "has an epoch before the first": { topics, dropping, epoch: 0 },
    "follows nobody by name": { topics, dropping, follows: { source: "", epoch: 1 } },
    "follows half an epoch": { topics, dropping, follows: { source: "a", epoch: 1.5 } },
    "was whole by half": { topics, dropping, follows: { source: "a", epoch: 1, wasWhole: 1 } },
    "follows a text": { topics, dropping, follows: "http://leader" },
  };
  for (const [name, body] of Object.entries(lies)) {
    test(`that ${name} is refused, and nothing is removed`, async () => {
      const files = {
        "/data/outside-0/kept": Uint8Array.of(1),
        [`${FOLDER}/notes/kept`]: Uint8Array.of(2),
        ...GOLDEN,
        [PATH]: encodeChecked("store", body),
      };
      const disk = await diskOf(files);
      await rejectsWith("corrupt", () => Store.open(FOLDER, { disk, readOnly: true }));
      await rejectsWith("corrupt", () => Store.open(FOLDER, { disk }));
      assert.deepEqual(filesIn(disk, "/data"), files);
      assert.equal(verify(FOLDER, { disk }).ok, false);
    });
  }

  test("and members of a later version is believed", async () => {
    const later = { topics: [{ ...first, later: 1 }, ...rest], dropping, later: null };
    const disk = await diskOf({ ...GOLDEN, [PATH]: encodeChecked("store", later) });
    await using store = await Store.open(FOLDER, { disk });
    assert.equal((await store.listTopics()).length, topics.length);
  });
});
