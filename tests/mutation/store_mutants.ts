/** Mutants of the store: the catalogue, copies, whom it follows. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const CRASH = ["tests/crash/crash_test.ts"];
const BACKUP = ["tests/store/backup_crash_test.ts"];

export const STORE_MUTANTS: readonly Mutant[] = [
  ...of(
    "core/store/copy_segment.ts",
    BACKUP,
    ["a copied sealed segment is synced", "    await copy.sync();\n", ""],
    [
      "a file that is copied as it is is synced",
      "    await target.sync();\n    return bytes;",
      "    return bytes;",
    ],
  ),
  ...of(
    "core/store/copy_log.ts",
    BACKUP,
    ["a copied active segment is synced", "        await file.sync();\n", ""],
    [
      "a folder that is copied as it is is synced",
      "  await disk.syncFolder(to);\n  const path",
      "  const path",
    ],
  ),
  ...of(
    "core/store/copy_store.ts",
    BACKUP,
    [
      "a copied store's folder is synced before its catalogue",
      "  await disk.syncFolder(folder);\n  const epoch",
      "  const epoch",
    ],
  ),
  ...of(
    "core/store/staged_copy.ts",
    ["tests/replica/backup_test.ts"],
    ["a moved file is synced, indexes included", "    await file.sync();\n", ""],
    ["a folder that files were moved to is synced", "  await disk.syncFolder(to);\n", ""],
    ["a folder that files were moved from is synced", "  await disk.syncFolder(from);\n", ""],
  ),
  ...of(
    "core/store/set_aside.ts",
    ["tests/crash/mirror_test.ts"],
    ["what is set aside is durable before it goes", "  await disk.syncFolder(to);\n", ""],
  ),
  ...of(
    "core/store/follow.ts",
    ["tests/store/mirror_test.ts"],
    ["records of a leadership that was replaced are refused", "epoch < known", "false"],
    [
      "a copy was whole as one of the source that it has now",
      "follows?.source === source ? follows : {};",
      "follows;",
    ],
    [
      "a replica is not written to as if it were none",
      "    if (follows === undefined) return catalogue;\n",
      "    if (asked === undefined) return catalogue;\n",
    ],
  ),
  ...of(
    "core/store/promote.ts",
    ["tests/store/mirror_test.ts"],
    [
      "a promoted replica leads under a higher epoch",
      "epochOf({ ...catalogue, follows }) + 1",
      "epochOf(catalogue)",
    ],
  ),
  ...of(
    "core/store/shared_history.ts",
    ["tests/store/backup_test.ts"],
    [
      "only what was sealed in a common past is shared",
      "baseOffset < this.#end && entry?.bytes",
      "entry?.bytes",
    ],
  ),
  ...of(
    "core/store/topic_registry.ts",
    CRASH,
    [
      "a catalogue that is opened is made durable",
      "  await writeCatalogue(disk, folder, catalogue, { lock });\n  if (",
      "  if (",
      ["tests/store/unfinished_change_test.ts"],
    ],
    [
      "deleted folders are gone before they are forgotten",
      "  await disk.syncFolder(folder);\n  return { ...catalogue, dropping: [] };",
      "  return { ...catalogue, dropping: [] };",
    ],
    [
      "a deletion is in the catalogue before folders go",
      "    await this.#replaceCatalogue({ ...this.#catalogue, topics, dropping, follows });\n",
      "    for (const name of partitionFolders(topic.info)) {\n" +
      "      this.#options.disk.removeFolder(join(this.#options.folder, name));\n    }\n" +
      "    await this.#replaceCatalogue({ ...this.#catalogue, topics, dropping, follows });\n",
    ],
    [
      "a topic's folders are durable before the catalogue names it",
      "    await prepareTopicFolders(disk, { store: folder, lock, partitions, nowMs: now() });\n" +
      "    const topics = [...this.#catalogue.topics, info];\n" +
      "    await this.#replaceCatalogue({ ...this.#catalogue, topics });\n",
      "    const topics = [...this.#catalogue.topics, info];\n" +
      "    await this.#replaceCatalogue({ ...this.#catalogue, topics });\n" +
      "    await prepareTopicFolders(disk, { store: folder, lock, partitions, nowMs: now() });\n",
    ],
  ),
  ...of(
    "core/store/catalogue.ts",
    ["tests/store"],
    [
      "logs without a catalogue are not overwritten",
      "if (isFolder && holdsLog(disk, join(folder, name)))",
      "if (false)",
    ],
  ),
];
