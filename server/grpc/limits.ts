/**
 * Every bound of the gRPC server that HTTP has no word for.
 *
 * @module
 */
import { BATCH_STORED_BYTES_MAX } from "../../core/base/limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What one connection may do; each can be set when the server is started. */
export interface GrpcLimits {
  /** Largest message: a batch as large as one can be stored, and what is around it. */
  readonly messageBytesMax: number;
  /** Calls at once on one connection; one more is refused, and may come again. */
  readonly callsMax: number;
  /** Calls that a connection may give up, or begin beyond `callsMax`, in one go. */
  readonly resetsMax: number;
  /** How many of these it may do again each second. */
  readonly resetsPerSecond: number;
}

/** What is allowed where nothing is said. */
export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  messageBytesMax: BATCH_STORED_BYTES_MAX + MIB,
  // Clients may begin calls before they have heard of this bound; RFC 9113 asks for 100 at the least.
  callsMax: 128,
  // A client whose calls time out resets them all: that is not an attack yet.
  resetsMax: 1000,
  resetsPerSecond: 50,
};

/** Bytes that a client may send on one call before the server has taken them. */
export const CALL_WINDOW_BYTES: number = 64 * KIB;
/** Most header fields of one call. */
export const HEADER_FIELDS_MAX = 100;
/** Memory of one connection for what its calls have in hand. */
export const SESSION_MEMORY_MIB = 16;

/** Messages of a ProduceStream that are being appended at once. */
export const PRODUCE_IN_FLIGHT_MAX = 64;
/** Bytes of their values that are in memory at once; one message is always taken. */
export const PRODUCE_IN_FLIGHT_BYTES: number = 32 * MIB;
/** Records of an IngestStream that wait while others are appended. */
export const INGEST_WAITING_MAX = 1000;
/** Bytes of those; one record is always taken. */
export const INGEST_WAITING_BYTES: number = 4 * MIB;
/** Most records of one IngestBatch. */
export const INGEST_BATCH_RECORDS_MAX = 10_000;
/** How often an IngestStream tells its statistics, where there is anything new. */
export const INGEST_STATS_MS = 10_000;
/** Records of one message that a stream sends. */
export const SENT_RECORDS_MAX = 1000;
/** Bytes of keys and values at which such a message is full. */
export const SENT_BYTES: number = 256 * KIB;
/** Longest time in which a call may ask to be answered; more is without a deadline. */
export const DEADLINE_MS_MAX: number = 2 ** 31 - 1;
