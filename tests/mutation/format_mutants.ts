/** Mutants of what lies below the log: the format of batches and files, the disk. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const CRASH = ["tests/crash/crash_test.ts"];
const RECOVERY = ["tests/log/recovery_test.ts"];
const LOST_LOCK = ["tests/store/lost_lock_test.ts"];

export const FORMAT_MUTANTS: readonly Mutant[] = [
  ...of(
    "core/disk/files.ts",
    CRASH,
    ["a new file is synced before it is named", "    await file.sync();\n", ""],
    [
      "a file is replaced only while it is ours",
      "    if (lock !== undefined) checkHeld(lock, `replace ${path}`);\n    disk.rename",
      "    disk.rename",
      LOST_LOCK,
    ],
    ["a replaced file's folder is synced", "    await disk.syncFolder(dirname(path));\n", ""],
    ["a made folder's parent is synced", "  await disk.syncFolder(parent);\n", ""],
    ["what is cut off is synced before it is cut", "      await target.sync();\n", ""],
  ),
  ...of(
    "core/format/batch_header.ts",
    ["tests/format"],
    [
      "a batch header's checksum is looked at",
      "view.getUint32(AT.headerCrc, true) !== crc32(checked, salt)",
      "false",
    ],
    [
      "a payload's length is bounded",
      "if (payloadLength > BATCH_STORED_BYTES_MAX)",
      "if (false)",
    ],
    [
      "an unpacked payload's length is bounded",
      "if (uncompressedLength > BATCH_UNCOMPRESSED_BYTES_MAX)",
      "if (false)",
    ],
  ),
  ...of(
    "core/format/batch.ts",
    ["tests/format"],
    [
      "a payload's checksum is looked at",
      'if (!this.isIntact()) throw this.#corrupt("its checksum does not match");',
      "",
    ],
    [
      "an intact payload has its checksum",
      "this.#isIntact ??= crc32(this.#stored) === this.header.payloadCrc;",
      "this.#isIntact ??= true;",
    ],
  ),
  ...of(
    "core/format/batch_records.ts",
    ["tests/format"],
    [
      "a batch holds as many records as it says",
      "if (this.#count === recordCount) return",
      "return",
    ],
  ),
  ...of(
    "core/format/segment_header.ts",
    ["tests/format"],
    [
      "a segment header's checksum is looked at",
      "view.getUint32(AT.crc, true) !== crc32(bytes.subarray(0, AT.crc))",
      "false",
    ],
    [
      "a segment of another version is refused",
      'checkFormatVersion(view.getUint32(AT.version, true), "a segment");',
      "",
    ],
  ),
  ...of(
    "core/base/checked_document.ts",
    RECOVERY,
    [
      "a document's checksum is looked at",
      "if (!isWhole || crc !== checksumOf(body))",
      "if (!isWhole)",
    ],
    ["a document of another version is refused", "checkFormatVersion(Number(version), path);", ""],
    ["a document of another kind is refused", "|| ofKind !== kind", "", ["tests/base"]],
  ),
  ...of(
    "core/disk/lock.ts",
    ["tests/disk/lock_test.ts"],
    [
      "a lock is given back, also where a child has it",
      "      unlocked(() => file.unlockSync());\n",
      "",
    ],
    [
      "a LOCK that is replaced while it is locked is noticed",
      "lock.identity !== identityAt(path)",
      "false",
    ],
    [
      "a LOCK that is replaced under its owner is noticed",
      "isHeld &&= !isReleased && lock.identity === identityAt(path)",
      "isHeld",
      ["tests/disk", "tests/crash/owners_test.ts"],
    ],
  ),
  ...of(
    "core/disk/node_disk.ts",
    ["tests/faults", "tests/disk"],
    [
      "a sync asks the operating system",
      "      fs.fdatasync(this.#handle, (error) => {\n" +
      '        if (error) reject(diskError("sync", this.#path, error));\n' +
      "        else resolve();\n      });\n",
      "      resolve();\n",
    ],
    [
      "a sync of a folder asks the operating system",
      'fs.fsync(handle, (error) => error ? reject(diskError("sync", folder, error)) : resolve());',
      "resolve();",
    ],
    [
      "a new file replaces none",
      "fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL",
      "fs.constants.O_RDWR | fs.constants.O_CREAT",
    ],
  ),
  {
    rule: "a short write is gone on with",
    file: "core/disk/node_disk.ts",
    find: "while (done < bytes.length) { // the operating system may take fewer bytes",
    replace: "if (done < bytes.length) { //",
    tests: ["tests/faults/real_disk_test.ts"],
    isForBun: true,
  },
];
