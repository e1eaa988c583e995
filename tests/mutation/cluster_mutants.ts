/** Mutants of topics in a cluster, of copies that follow, and of elections. */
import { type Mutant, mutantsOf as of, withNats } from "./mutant.ts";

const ABSENCE = ["tests/base/absence_test.ts"];
const WRITERS = ["tests/jetstream/writers_test.ts"];
const PIECES = ["tests/jetstream/pieces_test.ts"];
const TRUNCATION = ["tests/jetstream/truncation_test.ts"];
const CLUSTER_DAMAGE = ["tests/jetstream/damage_test.ts"];
const PLACEMENT = ["tests/jetstream/placement_test.ts"];
const CATALOGUE_READS = ["tests/jetstream/catalogue_reads_test.ts"];
const FEED = ["tests/jetstream/feed_placement_test.ts"];
const TIP = ["tests/jetstream/tip_test.ts"];
const CONTENT = ["tests/jetstream/message_content_test.ts"];
const PLAN = ["tests/jetstream/plan_message_test.ts"];
const LEASES = ["tests/jetstream/election_test.ts"];
const ELECTION = ["tests/election/election_test.ts"];
const LOG_MIRROR = ["tests/log/mirror_test.ts"];
const STORE_MIRROR = ["tests/store/mirror_test.ts"];
const TERM = ["tests/election/term_test.ts"];
const COPY = ["tests/replica/mirror_partition_test.ts"];
const FENCES = ["tests/replica/fences_test.ts"];
const REPLICA = ["tests/replica/replica_test.ts"];
const NODE = ["tests/replica/node_test.ts"];
const WAITING = ["tests/wait_for_offset_test.ts"];
const TAKEOVER = ["tests/groups/takeover_test.ts"];

/** Their tests ask a real server. */
const IN_CLUSTER: readonly Mutant[] = [
  ...of(
    "jetstream/nats_errors.ts",
    PLACEMENT,
    [
      "a member that is away is waited for",
      "if (number === NO_PLACE) return /peer offline/.test(message);",
      "if (number === NO_PLACE) return false;",
    ],
    [
      "members that there are too few of are not waited for",
      "return /peer offline/.test(message);",
      "return true;",
    ],
  ),
  ...of(
    "jetstream/message_feed.ts",
    FEED,
    [
      "a consumer is not waited for as long as any answer",
      "call(subject, body, { action, timeoutMs })",
      "call(subject, body, { action })",
    ],
    ["patience begins anew when a consumer is there", "      patience = undefined;\n", ""],
    [
      "a consumer is heard of from when it is there",
      "    this.#heardMs = Date.now();\n    const subscription",
      "    const subscription",
    ],
  ),
  ...of(
    "jetstream/publisher.ts",
    WRITERS,
    [
      "a message is published behind the one that was seen",
      '    headers.set("Nats-Expected-Last-Sequence", String(last));\n',
      "",
    ],
    [
      "a message is one's own by its id",
      "return next.id === id ? last + 1 : undefined;",
      "return last + 1;",
    ],
  ),
  ...of(
    "jetstream/producer_states.ts",
    TRUNCATION,
    [
      "what a truncation removes of producers is kept",
      "message.sequence >= below",
      "message.sequence < below",
    ],
    [
      "what an earlier truncation kept of producers stays",
      "new Map((await keptProducers(stream)).map((state) => [state.id, state]));",
      "new Map<string, ProducerState>();",
    ],
  ),
  ...of(
    "jetstream/truncate.ts",
    PIECES,
    [
      "the pieces of a message stay with it",
      "return sequence - head.pieces + 1;",
      "return sequence;",
    ],
  ),
  ...of(
    "jetstream/partition_reader.ts",
    PIECES,
    [
      "pieces whose end never came are passed over",
      "own === 0 ? [] : pieces.slice(-own)",
      "own === 0 ? [] : pieces",
    ],
  ),
  ...of(
    "jetstream/partition_stream.ts",
    CLUSTER_DAMAGE,
    [
      "a stream that somebody emptied is damaged",
      "throw this.damage(`all of its ${last_seq} messages are gone`);",
      "return { sequence: last_seq, state: EMPTY_STATE };",
    ],
  ),
  ...of(
    "jetstream/leases.ts",
    LEASES,
    [
      "a lease is written behind the one that was read",
      '    headers.set("Nats-Expected-Last-Subject-Sequence", String(revision));\n',
      "",
    ],
  ),
];

export const CLUSTER_MUTANTS: readonly Mutant[] = [
  ...withNats(IN_CLUSTER),
  ...of(
    "jetstream/catalogue_reads.ts",
    CATALOGUE_READS,
    [
      "what was seen of the catalogue is not unseen",
      ": found.seq < known;",
      ": false;",
    ],
    [
      "a catalogue that ends lower is not believed at once",
      "isLower && !doubt.isOver()",
      "false",
    ],
  ),
  ...of(
    "jetstream/message_content.ts",
    CONTENT,
    ["a batch of a cluster is checked", "if (!batch.isIntact()) {", "if (batch === undefined) {"],
  ),
  ...of(
    "jetstream/plan_message.ts",
    PLAN,
    [
      "nothing is refused for what was seen a while ago",
      'return this.#standing.isFresh ? refusal : "look";',
      "return refusal;",
    ],
  ),
  ...of(
    "jetstream/partition_stream.ts",
    TIP,
    [
      "an end that was seen is not unseen",
      "return nowMs - this.#lowerSinceMs >= this.#timeoutMs;",
      "return true;",
    ],
  ),
  ...of(
    "core/base/absence.ts",
    ABSENCE,
    [
      "whoever asks is not whom an answer has turned away",
      "    if (isAway(this.#why)) throw this.#why;\n    throw new",
      "    throw this.#why;\n    throw new",
    ],
    [
      "a listener that throws does not end the asking",
      "      } catch {\n        // Whoever",
      "      } catch (error) {\n        throw error; // Whoever",
    ],
  ),
  ...of(
    "core/election/standing.ts",
    ELECTION,
    ["a lease counts until its time is over", ": sinceMs + lease.leaseMs - nowMs;", ": 0;"],
    [
      "a lease counts from before it was asked for",
      "until: nowMs + leaseMs }",
      "until: clock.now() + leaseMs }",
    ],
    [
      "a lease counts from before its renewal was asked for",
      "term.renew(startedMs + leaseMs);",
      "term.renew(clock.now() + leaseMs);",
    ],
  ),
  ...of(
    "core/election/leased_election.ts",
    ELECTION,
    [
      "a letter is answered by whom it is for",
      ".find(({ id }) => id === holder);",
      '.find(({ id }) => id !== "");',
    ],
    [
      "whoever cannot see who holds a duty says so",
      "return new Gone(why);",
      "return GONE;",
    ],
  ),
  ...of(
    "core/election/term.ts",
    TERM,
    [
      "whoever stood still finds his term over",
      "    if (this.#clock.now() >= this.#until) this.end();\n",
      "",
    ],
  ),
  ...of(
    "core/store/follow.ts",
    STORE_MIRROR,
    ["records of a replaced leadership are refused", "if (epoch < known) {", "if (epoch < 0) {"],
  ),
  ...of(
    "core/store/promote.ts",
    STORE_MIRROR,
    [
      "a promotion begins a leadership",
      "epochOf({ ...catalogue, follows }) + 1;",
      "epochOf({ ...catalogue, follows });",
    ],
  ),
  ...of(
    "core/log/log_writer.ts",
    LOG_MIRROR,
    ["a copied batch is checked", "    checkStoredBatch(batch);\n", ""],
    [
      "a copy remembers the producers",
      "    if (producer !== undefined) this.#state.producers.expect(producer, range);\n",
      "",
    ],
  ),
  ...of(
    "replica/same_history.ts",
    COPY,
    [
      "a copy is not longer than its source",
      "if (mine.nextOffset > theirs.nextOffset) {",
      "if (mine.nextOffset < 0) {",
    ],
    [
      "a copy has the records of its source",
      "!isSameRecord(record, other)",
      "!isSameRecord(record, record)",
    ],
  ),
  ...of(
    "replica/replica.ts",
    REPLICA,
    [
      "what a source without any of its topics had is kept",
      "if (hasNone) await this.#setAside",
      "if (hasNone && info === undefined) await this.#setAside",
    ],
    [
      "a copy has everything only once its source was looked at",
      "this.#wholeNote.isThere || this.#lastError !== undefined ||",
      "this.#wholeNote.isThere ||",
    ],
    [
      "a copy that is not caught up has not everything",
      "this.#lastError !== undefined || !this.#isCaughtUp) return;",
      "this.#lastError !== undefined) return;",
    ],
    [
      "a copy is noted to have everything again after a part was set aside",
      "      await this.#noteWhole(); // by now what the look before has seen may be here\n",
      "",
    ],
  ),
  ...of(
    "replica/own_writes.ts",
    NODE,
    [
      "what was written through a node is read through it",
      "this.#fences.raise(topic, partition, { end });\n    if",
      "if",
    ],
    [
      "a topic that was made through a node is there, however late its source lists it",
      "!late.aborted && !await isHere()",
      "false",
    ],
  ),
  ...of(
    "replica/fences.ts",
    FENCES,
    ["a fence never moves back", "end: Math.max(before.end, end),", "end,"],
  ),
  ...of(
    "replica/node_backend.ts",
    NODE,
    [
      "a node is ready when it has everything",
      "        await this.#replica.caughtUp(signal);\n        if",
      "        if",
    ],
    [
      "a source that was replaced is not written to",
      "      if (this.#refusal !== undefined) throw this.#refusal;\n",
      "",
      ["tests/replica/replaced_source_test.ts"],
    ],
  ),
  ...of(
    "core/wait_for_offset.ts",
    WAITING,
    [
      "whoever waits for an end looks until it is there",
      "while (bounds.nextOffset < minOffset && !waiting.signal.aborted) {",
      "if (bounds.nextOffset < minOffset && !waiting.signal.aborted) {",
    ],
  ),
  ...of(
    "core/groups/committed_offsets.ts",
    TAKEOVER,
    [
      "whoever lost a group writes nothing of it",
      "        if (transaction.revisionOf(groupKey(name)) !== known) throw takenOver(name);\n",
      "",
    ],
  ),
];
