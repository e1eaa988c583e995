/**
 * The catalogue of a store, with the right checksum. One that cannot be is refused; under one that
 * can, nothing outside the folders of its topics is touched.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type MemoryDisk, Store, verify } from "../../../mod.ts";
import { decodeChecked, encodeChecked } from "../../../core/base/checked_document.ts";
import type { Catalogue } from "../../../core/store/catalogue.ts";
import { collect } from "../../support/collect.ts";
import { diskOf, type Files, filesIn, goldenFiles } from "../../support/disk_of.ts";
import { mutateDocument } from "../json.ts";
import { type FuzzTarget, outcomeOf } from "../target.ts";

const FOLDER = "/data/store";
const PATH = `${FOLDER}/store.json`;
const GOLDEN = goldenFiles("store-closed", FOLDER);
/** What nobody may touch: it is in the store's folder, or beside it. */
const OUTSIDE: Files = {
  "/data/outside/kept": Uint8Array.of(1),
  "/data/orders-0/kept": Uint8Array.of(2),
  [`${FOLDER}/notes/kept`]: Uint8Array.of(3),
};

export const catalogueTarget: FuzzTarget = {
  name: "catalogue",
  seeds: [GOLDEN[PATH]!, withDropped()],
  mutate: mutateDocument,
  check,
};

/** The same store after topics were deleted, and a crash. */
function withDropped(): Uint8Array {
  const catalogue = decodeChecked("store", GOLDEN[PATH]!, PATH) as Catalogue;
  return encodeChecked("store", { ...catalogue, dropping: ["gone-0", "%C3%A9-1"] });
}

async function check(input: Uint8Array): Promise<string> {
  const files = { ...OUTSIDE, ...GOLDEN, [PATH]: input };
  verify(FOLDER, { disk: await diskOf(files) });
  const disk = await diskOf(files);
  const reader = await outcomeOf(
    () => Store.open(FOLDER, { disk, readOnly: true }),
    ["corrupt", "unsupported"],
  );
  if (reader.value !== undefined) {
    await readAll(reader.value);
    await reader.value.close();
  }
  const writer = await outcomeOf(() => Store.open(FOLDER, { disk }), ["corrupt", "unsupported"]);
  assert.equal(writer.error?.code, reader.error?.code);
  if (writer.value !== undefined) {
    await readAll(writer.value);
    await change(writer.value);
    await writer.value.close();
  }
  checkKept(disk, OUTSIDE);
  if (writer.error === undefined) return "taken";
  checkKept(disk, files);
  return "refused";
}

/** Every topic can be listed, and read or be in want of its folder. */
async function readAll(store: Store): Promise<void> {
  for (const { name, config } of await store.listTopics()) {
    for (let partition = 0; partition < Math.min(config.partitions, 3); partition++) {
      await outcomeOf(() => collect(store.batches(name, { partition })), ["corrupt", "not-found"]);
    }
    await outcomeOf(() => store.describeTopic(name), ["corrupt", "not-found"]);
  }
}

async function change(store: Store): Promise<void> {
  await outcomeOf(() => store.append("orders", [{ value: "new" }]));
  await outcomeOf(() => store.ensureTopic("new", { partitions: 2 }));
  await outcomeOf(() => store.configureTopic("orders", { retentionRecords: 5 }));
  await outcomeOf(() => store.deleteTopic("empty"));
  await store.maintain();
}

function checkKept(disk: MemoryDisk, files: Files): void {
  const after = filesIn(disk, "/data");
  for (const [path, bytes] of Object.entries(files)) assert.deepEqual(after[path], bytes, path);
}
