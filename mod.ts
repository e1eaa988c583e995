/**
 * seglog: a segmented, append-only commit log.
 *
 * {@linkcode Log} is one log. {@linkcode Store} is a folder of topics, and {@linkcode connect} reaches
 * a server's; both are a {@linkcode Backend}, and whatever is written against that runs on either.
 *
 * @example
 * ```ts
 * import { Log } from "seglog";
 *
 * await using log = await Log.memory(); // or Log.open("./data/orders")
 * const offset = await log.append({ key: "u1", value: "hello" });
 * for await (const record of log.records({ from: offset })) {
 *   console.assert(record.text === "hello");
 * }
 * ```
 *
 * @module
 */
export {
  ERROR_SPECS,
  type ErrorCode,
  type ErrorDetails,
  type ErrorSpec,
  SeglogError,
} from "./core/base/errors.ts";
export type { Clock } from "./core/base/clock.ts";
export type { Observer, WrittenBatches } from "./core/base/observer.ts";
export type { Disk, DiskEntry, DiskFile, DiskLock } from "./core/disk/disk.ts";
export { MemoryDisk } from "./core/disk/memory_disk.ts";
export { nodeDisk } from "./core/disk/node_disk.ts";
export { BatchView, decodeBatch } from "./core/format/batch.ts";
export type { ProducerStamp } from "./core/format/producer_field.ts";
export { encodeBatch } from "./core/format/batch_builder.ts";
export type { BatchHeader } from "./core/format/batch_header.ts";
export type { Codec } from "./core/format/compression.ts";
export type { SegmentName } from "./core/format/file_names.ts";
export type { LogSettings, RetentionPolicy } from "./core/format/log_settings.ts";
export {
  json,
  LogRecord,
  type RecordFields,
  type RecordInput,
  type ValueType,
} from "./core/format/record.ts";
export { parseRecordShape, type ShapedRecord } from "./core/format/record_shape.ts";
export { type OffsetRange, recordsOf } from "./core/format/records_of.ts";
export type { SyncMode } from "./core/format/sync_mode.ts";
export { formatRecordShape, type RecordPlace } from "./core/format/write_shape.ts";
export type { AppendedRange } from "./core/log/append_queue.ts";
export { Log } from "./core/log/log.ts";
export type { SegmentFacts } from "./core/log/segment_file.ts";
export type { LogReadOptions } from "./core/log/read_batches.ts";
export type { TruncatedRange } from "./core/log/truncation.ts";
export type { CompactionReport } from "./core/log/compaction.ts";
export type { CompactOptions } from "./core/log/compactor.ts";
export type { LogOptions, WriteOptions } from "./core/log/options.ts";
export type { RecoveryReport } from "./core/log/recovery.ts";
export type {
  AppendOptions,
  AppendResult,
  Backend,
  Bounds,
  Capabilities,
  CompactionTotals,
  CompactResult,
  CompactTopicOptions,
  Hints,
  OpenHint,
  PartitionInfo,
  PartitionSegments,
  ReadOptions,
  RecoveredTail,
  Reservation,
  SegmentInfo,
  TopicDetails,
  TopicInfo,
  TruncateOptions,
} from "./core/backend.ts";
export { partitionOf } from "./core/partitioner.ts";
export {
  countRecords,
  type LostRange,
  readBatches,
  type ReadPastOptions,
  readRecords,
  startOfLast,
} from "./core/reading.ts";
export { type AwaitedOffset, waitForOffset } from "./core/wait_for_offset.ts";
export type { Following, FollowingPartition } from "./core/following_contract.ts";
export { NodeBackend, type NodeOptions } from "./replica/node_backend.ts";
export { type DumpOptions, dumpSegment, type DumpSummary } from "./core/dump/dump.ts";
export { verify } from "./core/store/verify.ts";
export type { VerifiedPartition, VerifyProblem, VerifyReport } from "./core/store/verify_report.ts";
export type { RepairedPlace, RepairReport } from "./core/log/repair.ts";
export { repair, type RepairOptions } from "./core/store/repair.ts";
export { backup } from "./core/store/backup.ts";
export type { BackupOptions, BackupReport } from "./core/store/take_snapshot.ts";
export { restore, type RestoreOptions, type RestoreReport } from "./core/store/restore.ts";
export { listSnapshots, type Snapshot } from "./core/store/snapshots.ts";
export { Store } from "./core/store/store.ts";
export type { StoreOptions } from "./core/store/options.ts";
export type { FollowOptions } from "./core/store/follow.ts";
export type { Followed } from "./core/store/catalogue.ts";
export { promote, type PromoteOptions } from "./core/store/promote.ts";
export type { StoreMirror } from "./core/store/store_mirror.ts";
export type { LogBounds, LogMirror } from "./core/log/log_mirror.ts";
export type { GapReason, MirrorPartition, MirrorTarget } from "./core/mirror_contract.ts";
export { DEFAULT_TOPIC_CONFIG, parseTopicConfig, type TopicConfig } from "./core/topic_config.ts";
export {
  type CatchUpOptions,
  type DeleteOptions,
  type GetOptions,
  Kv,
  type KvOptions,
  type KvStats,
  type SetOptions,
  type TransactionOptions,
} from "./core/kv/kv.ts";
export type { KvHistoryOptions, KvWatchOptions } from "./core/kv/kv_changes.ts";
export { type KvChange, type KvDeletion, KvEntry, type KvSet } from "./core/kv/kv_entry.ts";
export { type KvListOptions, KvSnapshot } from "./core/kv/kv_snapshot.ts";
export { type Isolation, KvTransaction } from "./core/kv/kv_transaction.ts";
export type { Compaction } from "./core/format/log_settings.ts";
export type { KvValue } from "./core/kv/kv_write.ts";
export {
  mirror,
  type MirrorOptions,
  type MirrorProgress,
  type MirrorReport,
} from "./replica/mirror.ts";
export { backupBackend } from "./replica/backup_backend.ts";
export { restoreTo, type RestoreToOptions, type RestoreToReport } from "./replica/restore_to.ts";
export {
  type MirrorDifference,
  type MirrorVerification,
  verifyMirror,
  type VerifyMirrorOptions,
} from "./replica/verify_mirror.ts";
export { Replica } from "./replica/replica.ts";
export type { ReplicaOptions, ReplicaStatus } from "./replica/replica_contract.ts";
export type { FollowerState, ReplicaPartition } from "./replica/partition_follower.ts";
export { connect, type ConnectOptions } from "./client/connect.ts";
export type { ClientTls } from "./client/https_fetch.ts";
export type { JetStreamBackend } from "./jetstream/jetstream_backend.ts";
export { HttpBackend } from "./client/http_backend.ts";
export type { ApiOptions, ServerApi } from "./client/server_api.ts";
export { Producer, type SendOptions } from "./client/producer.ts";
export type { ProducerOptions } from "./client/producer_options.ts";
export type { SentRecord } from "./client/outgoing_batch.ts";
export { ConsumedBatch } from "./client/consumed_batch.ts";
export { Consumer, type ConsumerOptions } from "./client/consumer.ts";
export { GroupConsumer, type GroupConsumerOptions } from "./client/group_consumer.ts";
export type { GroupLostRange } from "./client/group_share.ts";
export type { HttpGroups } from "./client/http_groups.ts";
export { type HeldGroups, holdGroups } from "./core/groups/shared_groups.ts";
export type { CoordinatorOptions } from "./core/groups/coordinator.ts";
export type {
  AssignedPartition,
  CommitRequest,
  GroupActivity,
  GroupDetails,
  GroupMember,
  GroupOffset,
  GroupPartition,
  GroupPlace,
  Groups,
  GroupSummary,
  HeartbeatRequest,
  JoinRequest,
  MemberRequest,
  Membership,
  OffsetCommit,
  SeekRequest,
  SoughtOffset,
} from "./core/group_contract.ts";
export type {
  Candidacy,
  Candidate,
  DutyHolder,
  DutyRequestOptions,
  Election,
} from "./core/election_contract.ts";
export {
  type ReceivedWebhook,
  verifyWebhook,
  type VerifyWebhookOptions,
} from "./client/verify_webhook.ts";
