/** Mutants of the key-value view, of the hints that it keeps, and of what makes its log small. */
import { type Mutant, mutantsOf as of } from "./mutant.ts";

const STORE = ["tests/kv/store_test.ts"];
const GROUP = ["tests/kv/group_commit_test.ts"];
const DIRECT = ["tests/kv/look_up_test.ts", "tests/cli/kv_test.ts"];
const ISOLATION = ["tests/kv/store_test.ts", "tests/kv/isolation_test.ts", ...GROUP];
const INDEX = ["tests/kv/key_index_test.ts"];
const SNAPSHOTS = ["tests/kv/snapshots_test.ts"];
const REOPEN = ["tests/kv/reopen_test.ts"];
const CHECKPOINT = ["tests/kv/checkpoint_test.ts"];
const HINTS = ["tests/store/hint_files_test.ts"];
const CRASH = ["tests/crash/crash_test.ts"];
const COMPACTION = ["tests/log/compaction_test.ts"];
const BESIDE = ["tests/log/compaction_beside_test.ts"];

export const KV_MUTANTS: readonly Mutant[] = [
  ...of(
    "core/kv/key_conditions.ts",
    STORE,
    [
      "a condition wants that very revision",
      "if (actual === expected) return;",
      "if (actual >= expected) return;",
    ],
    [
      "a condition is seen to be about its key",
      "expected: this.#expected, actual });\n  }\n\n" +
      "  get keys(): Uint8Array[] {\n    return [this.#key];",
      "expected: this.#expected, actual });\n  }\n\n" +
      "  get keys(): Uint8Array[] {\n    return [];",
    ],
    [
      "a key without a value is not deleted",
      'if (this.#index.revisionOf(this.#key) < 0) throw new Absent("the key has no value");',
      "",
    ],
    [
      "a deletion is seen to be about its key",
      'throw new Absent("the key has no value");\n  }\n\n' +
      "  get keys(): Uint8Array[] {\n    return [this.#key];",
      'throw new Absent("the key has no value");\n  }\n\n' +
      "  get keys(): Uint8Array[] {\n    return [];",
      GROUP,
    ],
  ),
  ...of(
    "core/kv/commit_queue.ts",
    STORE,
    [
      "what was checked goes in only where it was checked",
      "        ...isConditional ? { expectedOffset: view.position } : {},\n",
      "",
    ],
    [
      "a condition waits for writes of its batch that it is about",
      "if (condition !== undefined && written.touch(condition)) break;",
      "",
      GROUP,
    ],
    [
      "a condition fails only with all that others wrote",
      "if (!waiting.isUpToDate) break;",
      "",
      GROUP,
    ],
    [
      "a write is acknowledged when the index has it",
      "await view.settle(start, group.flatMap(({ commit }) => commit.writes)).catch(() => {});",
      "",
      GROUP,
    ],
    [
      "each write of a batch is told its own revision",
      "      first += commit.records.length;\n",
      "",
    ],
    [
      "writes of one turn go in together",
      "if (builder.payloadBytes >= BATCH_SHARED_BYTES) break;",
      "if (group.length > 0) break;",
      GROUP,
    ],
    [
      "what does not fit into a batch gets one of its own",
      "if (isTooLarge(error) && group.length > 0) break; // it may fit into a batch of its own",
      "",
      GROUP,
    ],
    [
      "an append that others overtook is tried again",
      "if (isConditional && isOvertaken(error) && ++this.#losses <= LOSSES_MAX) {",
      "if (false) {",
    ],
    [
      "who was overtaken reserves the end of the log",
      "await backend.reserve?.(topic, BUCKET_PARTITION).catch(() => undefined)",
      "undefined",
      GROUP,
    ],
    [
      "who was overtaken does not keep plain writes from going in",
      "if (this.#losses > 0 && hasCondition(waiting) !== hasCondition(group[0] ?? waiting)) break;",
      "",
      GROUP,
    ],
    [
      "a condition waits for writes of its batch into ranges that it is about",
      "return ranges.some((range) => !this.#keys.list(range).next().done);",
      "return false;",
      GROUP,
    ],
  ),
  ...of(
    "core/kv/direct_commit.ts",
    DIRECT,
    [
      "what was looked up goes in only where it was looked up",
      "{ ...place, expectedOffset: nextOffset }",
      "place",
    ],
    [
      "what was looked up has to hold",
      "      checkRevision(bucket, { key, expected, actual: await revisionAt(key) });\n",
      "",
    ],
    [
      "what has no value is not deleted without an index either",
      "if (isSure(write) || await revisionAt(write.key) >= 0) records.push(write.record);",
      "records.push(write.record);",
    ],
    [
      "what others overtook is looked up again",
      "if (!isOvertaken) throw error;",
      "throw error;",
    ],
    [
      "a deleted key has no revision",
      "record === undefined || record.value === null",
      "record === undefined",
    ],
  ),
  ...of(
    "core/kv/kv_transaction.ts",
    ISOLATION,
    [
      "of two that write a key the second conflicts",
      "for (const { key } of this.#writes.values()) this.#checkKey(key);",
      "",
    ],
    [
      "what a transaction read is unchanged when it commits",
      "for (const key of this.#reads.values()) this.#checkKey(key);",
      "",
    ],
    [
      "ranges that a transaction read are unchanged when it commits",
      "for (const { covered } of this.#ranges) if (covered !== undefined) this.#checkRange(covered);",
      "",
    ],
    [
      "a key that came into a range is a conflict",
      "if (was?.revision !== revision || !equalBytes(was.key, key)) throw this.#conflict(key);",
      "if (was === undefined) return;",
    ],
    [
      "a key that left a range is a conflict",
      "if (gone !== undefined) throw this.#conflict(gone.key);",
      "",
    ],
    ["a range read to its end is checked to its end", "read.isWhole = unseen > 0;", ""],
    ["what is read is noted", "this.#reads.set(key, keyBytes(key));", "keyBytes(key);"],
    [
      "writes of one batch do not overtake each other's checks",
      "...Array.from(this.#writes.values(), ({ key }) => key),",
      "",
    ],
    [
      "a read is seen to be about its key",
      "...isWhole ? this.#reads.values() : [],",
      "",
    ],
    [
      "a range is seen to be about its keys",
      "ranges: isWhole ? this.#ranges.flatMap(({ covered }) => covered ?? []) : [],",
      "",
    ],
    ["what is looked at without its value is noted", "this.#reads.set(key, bytes);", "", STORE],
    [
      "what has no value is not deleted",
      "valueBytes !== undefined || this.#snapshot.revisionOf(key) >= 0",
      "true",
    ],
  ),
  ...of(
    "core/kv/key_index.ts",
    INDEX,
    [
      "what a snapshot sees is kept when it is replaced",
      "if (replaced.revision <= this.#newestOpen) {",
      "if (false) {",
    ],
    [
      "a deleted key stays while a snapshot sees it",
      "this.#sizes[number] !== 0 || this.#older.has(number)",
      "this.#sizes[number] !== 0",
    ],
    [
      "what was truncated is kept for no snapshot that came later",
      "if (older !== undefined) this.#prune(number, older);",
      "",
    ],
    [
      "what was truncated does not hide what was replaced before",
      "Math.max(version.revision, this.#replaced.at(-1)?.at ?? -1)",
      "version.revision",
    ],
    [
      "two snapshots of one revision are two",
      "const others = this.#open.get(revision)! - 1;",
      "const others = 0;",
      SNAPSHOTS,
    ],
    [
      "a key that nobody sees any more is forgotten",
      "    this.#set(number, version);\n    this.#forgetIfGone(number);\n",
      "    this.#set(number, version);\n",
    ],
    [
      "what only a snapshot saw does not come back with a checkpoint",
      "for (const number of gone) index.#table.remove(number);",
      "",
      CHECKPOINT,
    ],
  ),
  ...of(
    "core/kv/kv_snapshot.ts",
    SNAPSHOTS,
    [
      "a snapshot holds what it sees",
      "    source.view.index.hold(this.revision);\n",
      "",
    ],
    [
      "a closed snapshot lets go",
      "    this.#source.view.index.release(this.revision);\n",
      "",
    ],
    ["a snapshot lets go once", "if (!this.#isOpen) return;", ""],
    [
      "a closed snapshot is not read",
      "if (this.#isOpen) return this.#source.view;",
      "return this.#source.view;",
      STORE,
    ],
  ),
  ...of(
    "core/kv/kv_view.ts",
    STORE,
    [
      "an index that compaction passed is not believed",
      "if (!isCompacted && after.truncations === truncations) {",
      "if (true) {",
      ["tests/kv/opening_test.ts"],
    ],
    [
      "a bucket goes on behind what was truncated before it read it",
      "if (start === undefined) throw error;",
      "throw error;",
      ["tests/kv/overtaken_test.ts"],
    ],
    [
      "what others wrote in between comes first",
      "if (start > this.#position) await this.reached(end); // others wrote in between",
      "",
      GROUP,
    ],
    [
      "closing keeps what would take time to read again",
      "if (this.#newBytes >= KV_CLOSE_CHECKPOINT_BYTES) await this.#keep();",
      "",
      REOPEN,
    ],
    [
      "a closed bucket is of no use",
      'this.#fail(new SeglogError("closed", `Cannot use the bucket "${this.#topic}": it is closed`));',
      "",
    ],
  ),
  ...of(
    "core/kv/kv.ts",
    GROUP,
    [
      "closing waits for the writes under way",
      "this.#commits.settled().then(() => this.#view.close())",
      "this.#view.close()",
    ],
  ),
  ...of(
    "core/kv/kv_key.ts",
    STORE,
    ["a key that is no text is none of a bucket", " && isValidUtf8(key)", ""],
    [
      "a key that is too long is none of a bucket",
      "key.length > 0 && key.length <= KV_KEY_BYTES_MAX && ",
      "key.length > 0 && ",
    ],
  ),
  ...of(
    "core/kv/checkpoint.ts",
    CHECKPOINT,
    [
      "a checkpoint's header is believed with its checksum",
      "uint32(AT.headerCrc) === crc32(header.subarray(0, AT.headerCrc))",
      "true",
    ],
    [
      "a checkpoint's body is believed with its checksum",
      "if (crc !== uint32(AT.bodyCrc)) return undefined;",
      "",
    ],
    [
      "a checkpoint ends where its header says",
      "if (source.size() !== HEADER_BYTES + bodyBytes) return undefined; // before memory is taken for it",
      "",
    ],
  ),
  ...of(
    "core/kv/checkpoints.ts",
    REOPEN,
    [
      "a checkpoint of another topic is none",
      "checkpoint.topicId !== this.#topicId",
      "false",
    ],
    [
      "a checkpoint of records that were lost is none",
      "return found === witness ? checkpoint : undefined;",
      "return found === undefined ? undefined : { ...checkpoint, witness };",
    ],
  ),
  ...of(
    "core/store/hint_files.ts",
    HINTS,
    [
      "a hint is synced before it is named",
      "      await file.sync(); // or a crash could leave the name with half of the bytes\n",
      "",
    ],
    [
      "beside the owner no hint is kept",
      "if (lock === undefined) return; // beside the owner nothing is written",
      "if (lock === undefined) return void this.#disk.create(this.#pathOf(topic, name)).close();",
    ],
    [
      "a hint is replaced only while the store is ours",
      "    checkHeld(lock, `keep ${path}`);\n    this.#disk.rename",
      "    this.#disk.rename",
    ],
  ),
  ...of(
    "core/log/key_filter.ts",
    ["tests/log/key_filter_test.ts"],
    [
      "a filter's header is believed with its checksum",
      "if (view.getUint32(AT.crc, true) !== crc32(bytes.subarray(0, AT.crc))) return undefined;",
      "",
    ],
    [
      "a filter's block is believed with its checksum",
      "if (dataViewOf(block).getUint32(CRC_AT, true) !== crc) return true;",
      "",
    ],
    [
      "a filter of another segment is not believed",
      "if (!isBound || blocks === 0",
      "if (blocks === 0",
    ],
  ),
  ...of(
    "core/log/stay_rule.ts",
    COMPACTION,
    [
      "what a snapshot sees is no garbage",
      "if (before < 0 || !isSeen(this.#first, before, offset)) return before;",
      "if (before < 0 || true) return before;",
    ],
    [
      "what a snapshot sees that was opened meanwhile stays",
      "this.#isSeenAtFirst(record) || isSeen(this.#since, offset, latest);",
      "this.#isSeenAtFirst(record);",
    ],
    [
      "a tombstone stays for its time",
      "if (timestamp >= this.#options.tombstonesBeforeMs) {",
      "if (false) {",
    ],
    [
      "a tombstone stays while it hides what a snapshot sees",
      "isSeen(this.#first, 0, offset) || isSeen(this.#since, 0, offset);",
      "false;",
    ],
    [
      "a snapshot that was open meanwhile counts to the end",
      "    for (const offset of this.#options.held()) {\n",
      "    this.#since.clear();\n    for (const offset of this.#options.held()) {\n",
      BESIDE,
    ],
    [
      "what stays for now is looked at again",
      "      if (isNeeded) this.#unsettleHeld(offset);\n      return isNeeded;\n    }\n    if (value",
      "      return isNeeded;\n    }\n    if (value",
    ],
    [
      "a record that was replaced and is held is looked at again",
      "    this.#seen.add(before);\n    this.#unsettleHeld(before);\n",
      "    this.#seen.add(before);\n",
    ],
  ),
  ...of(
    "core/log/compactor.ts",
    COMPACTION,
    [
      "tombstones are looked at when they are old, though nothing is written",
      "left.youngestMs === -Infinity ? Infinity : left.youngestMs + tombstoneMs + 1,",
      "Infinity,",
    ],
    [
      "what a snapshot kept is looked at again",
      "left.isHeld ? nowMs + AGAIN_MS : Infinity,",
      "Infinity,",
    ],
    [
      "what was left before the log was opened is looked at again",
      "isLeft ? this.#clock.now() + AGAIN_MS : Infinity",
      "Infinity",
    ],
  ),
  ...of(
    "core/log/compaction.ts",
    BESIDE,
    [
      "new segments stay once the manifest lists them",
      "if (!isPlaced) rewriter.discard",
      "rewriter.discard",
    ],
    [
      "what was truncated is no garbage",
      "const before = this.#isRemoved(record.offset) ? -1 : rule.note(record);",
      "const before = rule.note(record);",
      COMPACTION,
    ],
    [
      "segments without the keys are not read",
      "if (await this.#holdsNone(segment)) return 0;",
      "",
      COMPACTION,
    ],
    [
      "log stays uncompacted past a damaged segment",
      "if (start < end) throw damageError(this.#state, segment.path, damage);",
      "",
      COMPACTION,
    ],
  ),
  ...of(
    "core/log/compaction_plan.ts",
    COMPACTION,
    ["no batch reaches over what was truncated", "!last.isCut && ", ""],
    ["too little garbage is left", " || garbage < garbageRatio * records", ""],
  ),
  ...of(
    "core/log/owned_state.ts",
    BESIDE,
    [
      "what a truncation made the last again stays",
      "if (!isThere || made.truncations !== this.truncations) {",
      "if (!isThere) {",
    ],
  ),
  ...of(
    "core/log/cursor.ts",
    COMPACTION,
    [
      "a reader on its way gets no record twice",
      "sinceGap(view.gaps, offset), this.#taken),",
      "sinceGap(view.gaps, offset)),",
    ],
    [
      "a batch without a wanted record is passed over",
      "if (trimmed === undefined || trimmed.nextOffset <= offset) continue;",
      "if (trimmed === undefined) continue;",
      BESIDE,
    ],
  ),
  ...of(
    "core/log/reverse.ts",
    COMPACTION,
    [
      "a reader in reverse gets no record twice",
      "until: taken });",
      "until: Infinity });",
    ],
    [
      "nor one of before its stretch",
      "from: start === from ? 0 : start,",
      "from: 0,",
      BESIDE,
    ],
  ),
  ...of(
    "core/kv/checkpoints.ts",
    REOPEN,
    [
      "a checkpoint that compaction has passed is not believed",
      "if (position < compactedTo || checkpoint",
      "if (checkpoint",
    ],
  ),
  ...of(
    "core/log/segment_rewriter.ts",
    COMPACTION,
    [
      "a compacted segment is synced before it is named",
      "    await this.#file.sync();\n",
      "",
      CRASH,
    ],
    [
      "a compacted segment's folder is synced",
      "    if (this.#done.length > 0) await disk.syncFolder(folder);\n",
      "",
      CRASH,
    ],
    [
      "a compacted batch reaches to the next",
      "    builder.extendTo(nextOffset);\n",
      "",
    ],
  ),
];
