/**
 * Every bound in one place. A length that comes from a file or a wire is checked against one of
 * these before anything is allocated for it.
 *
 * @module
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** Largest encoded record: key, value and headers together. */
export const RECORD_BYTES_MAX = 16 * MIB;
/** Largest batch payload as stored, after compression. */
export const BATCH_STORED_BYTES_MAX = 32 * MIB;
/** Largest batch payload before compression. */
export const BATCH_UNCOMPRESSED_BYTES_MAX = 64 * MIB;
/** Payload below which none is compressed: a call costs as much as for 4 KiB, and saves little. */
export const COMPRESSED_BYTES_MIN = 256;
/** Most records in one batch. */
export const BATCH_RECORDS_MAX = 1_000_000;
/** Appends that wait together share a batch until its payload has this many bytes. */
export const BATCH_SHARED_BYTES = MIB;
/** Bytes that may wait for the disk, per log; an append beyond that is turned away. */
export const PENDING_BYTES_MAX = 128 * MIB;
/** Most headers on one record. */
export const RECORD_HEADERS_MAX = 64;
/** Largest name of a header, in bytes of UTF-8. */
export const HEADER_NAME_BYTES_MAX = 256;

/** Segment size at which a log rolls, unless configured. */
export const SEGMENT_BYTES_DEFAULT = 64 * MIB;
/** Smallest segment size that can be configured. */
export const SEGMENT_BYTES_MIN = 4 * KIB;
/** Largest segment size that can be configured: positions fit in 31 bits. */
export const SEGMENT_BYTES_MAX = 2 * GIB - 64 * MIB;
/** Bytes of a segment that no sync has covered yet, from which on one starts by itself. */
export const WRITE_BEHIND_BYTES = 8 * MIB;
/** Most space that a segment takes on disk before it is needed: a few dozen commits. */
export const SPACE_AHEAD_BYTES_MAX = 256 * KIB;
/** Commits of the present size that have to fit into that space. */
export const SPACE_AHEAD_COMMITS = 4;
/** Size from which a segment takes space ahead: a topic of a few records shall not. */
export const SPACE_AHEAD_BYTES_MIN = KIB;
/** Age at which the active segment rolls, unless configured: seven days. */
export const SEGMENT_AGE_MS_DEFAULT = 7 * 24 * 3600 * 1000;
/** Most segments that one log may have; a roll beyond that is an error. */
export const SEGMENTS_MAX = 100_000;
/** How long compaction keeps a tombstone, unless configured: a day. */
export const TOMBSTONE_MS_DEFAULT: number = 24 * 3600 * 1000;
/** Most offsets that one batch may reach over, those that compaction took included. */
export const BATCH_OFFSETS_MAX: number = 2 ** 32 - 1;
/** Bytes of the batches that compaction writes: a single record is read with its batch. */
export const COMPACTED_BATCH_BYTES: number = 16 * KIB;
/** Memory for the keys that one pass of compaction looks for; it takes more passes for more. */
export const COMPACTION_KEYS_BYTES: number = 256 * MIB;
/** Bytes a second, read and written, that compaction takes when it runs by itself. */
export const COMPACTION_BYTES_PER_SECOND: number = 64 * MIB;
/** How often compaction may write a segment anew. */
export const GENERATION_MAX = 1_000_000_000;
/** Distance between two entries of the sparse index, in bytes of the segment. */
export const INDEX_INTERVAL_BYTES = 4 * KIB;
/** Most bytes that a sequential read asks of the disk at once, a larger batch apart. */
export const READ_BLOCK_BYTES = MIB;
/** Bytes that it begins with; each further block has twice as many. */
export const READ_BLOCK_BYTES_FIRST = 64 * KIB;

/** Bytes of a page: what is read, checked and kept of a large batch for a single record. */
export const PAGE_BYTES = 4 * KIB;
/** Most records of a page, so that there is room to note where each of them starts. */
export const PAGE_RECORDS_MAX = 128;
/** Payload from which a batch is read by pages: below, all of it costs little more than one. */
export const PAGED_BATCH_BYTES_MIN = 8 * KIB;
/** Bytes that the logs of one store keep in memory for reading single records again. */
export const BLOCK_CACHE_BYTES = 64 * MIB;
/** Segment files that the logs of one store keep open for reading; open logs have one more each. */
export const OPEN_FILES_MAX = 128;

/** Largest manifest or catalogue file that is read. */
export const MANIFEST_BYTES_MAX = 64 * MIB;
/** Most producers that a log remembers, the least recently seen being forgotten. */
export const PRODUCERS_MAX = 1024;
/** Appends per producer whose retry is answered with the offsets of the first try. */
export const PRODUCER_WINDOW = 5;
/** Longest producer id, in bytes of UTF-8. */
export const PRODUCER_ID_BYTES_MAX = 200;

/** Longest topic name, in bytes of UTF-8. */
export const TOPIC_NAME_BYTES_MAX = 200;
/** Most partitions of one topic. */
export const PARTITIONS_MAX = 1024;
/** Most topics of one store. */
export const TOPICS_MAX = 10_000;

/** Largest timestamp, in the year 144683: zigzag doubles the difference of two and stays exact. */
export const TIMESTAMP_MS_MAX = 2 ** 52 - 1;
/** Interval at which a reader of a log owned by another process looks for news. */
export const OUTSIDE_POLL_MS = 100;
/** How often such a reader looks again when the log changes under its eyes, before it gives up. */
export const OUTSIDE_LOOKS_MAX = 10;
/** How often a copy of a log looks again when records are removed meanwhile, before it gives up. */
export const COPY_LOOKS_MAX = 100;
/** How long a reader waits for an offset that the end has to pass first, unless it says. */
export const MIN_OFFSET_WAIT_MS_DEFAULT = 5000;
/** Interval at which a store looks for segments to roll and to drop. */
export const MAINTENANCE_INTERVAL_MS = 30_000;

/** Longest key of a key-value bucket. */
export const KV_KEY_BYTES_MAX = KIB;
/** Bytes of keys and values in the log behind a checkpoint, from which on a closing bucket makes one. */
export const KV_CLOSE_CHECKPOINT_BYTES = MIB;
/** The same of one that stays open. */
export const KV_CHECKPOINT_BYTES = 64 * MIB;

/** Longest name of a consumer group, and longest id of a member, in bytes of UTF-8. */
export const GROUP_NAME_BYTES_MAX = 200;
/** Most consumer groups of one store. */
export const GROUPS_MAX = 10_000;
/** Most members of one group. */
export const GROUP_MEMBERS_MAX = 1000;
/** Most topics that one member shares in. */
export const GROUP_TOPICS_MAX = 100;
/** Longest text that goes with a committed offset, in bytes of UTF-8. */
export const GROUP_METADATA_BYTES_MAX = KIB;
/** How long a member counts as alive without a word, unless it says. */
export const GROUP_LEASE_MS_DEFAULT = 15_000;
/** Shortest and longest lease. */
export const GROUP_LEASE_MS_MIN = 100;
export const GROUP_LEASE_MS_MAX: number = 3600 * 1000;
/** How long a member may take to give a partition up, unless it says. */
export const GROUP_HANDOVER_MS_DEFAULT = 60_000;
/** How often a group looks whether its topics are still the same. */
export const GROUP_TOPICS_LOOK_MS = 5000;
/** Generations that are set aside with one write: none of them is used again after a restart. */
export const GROUP_GENERATIONS_AHEAD = 100;
/** How long a lease counts by which a process does what one does at a time, unless it is renewed. */
export const ELECTION_LEASE_MS = 6000;
/** How often it is renewed in that time. */
export const ELECTION_RENEWALS = 3;
/** How often that is tried in that time, while it fails. */
export const ELECTION_RETRIES = 12;
/** How often the others look at it in that time. */
export const ELECTION_LOOKS = 6;
/** How long to wait for somebody to hold a duty. */
export const ELECTION_WAIT_MS = 15_000;
/** How long to wait before looking again. */
export const ELECTION_ASK_AGAIN_MS = 100;
/** How long an answer may take that does not wait for anything. */
export const ELECTION_ANSWER_MS = 5000;
