/** A store with a record that the disk has altered. */
import assert from "node:assert/strict";
import { MemoryDisk, Store } from "../../mod.ts";

/** The topic orders has two records in a batch each; the value of the second is not what it was. */
export async function damagedStore(): Promise<Store> {
  const disk = new MemoryDisk();
  const store = await Store.open("/data", { disk });
  await store.append("orders", [{ value: "whole" }]);
  await store.append("orders", [{ value: "damaged" }]);
  const path = "/data/orders-0/00000000000000000000.log";
  const file = disk.open(path, "write");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("damaged");
  assert.ok(at > 0);
  file.write(Uint8Array.of(0x44), at);
  file.close();
  return store;
}
