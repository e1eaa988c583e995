/**
 * Every bound of the server in one place.
 *
 * @module
 */
import { BATCH_UNCOMPRESSED_BYTES_MAX, RECORD_BYTES_MAX } from "../core/base/limits.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** What one server allows; each can be set when it is started. */
export interface ServerLimits {
  /** Largest request body that is held at once, and longest line of a streamed one. */
  readonly bodyBytesMax: number;
  /** Bytes of request bodies that are held at once, over all requests. */
  readonly bodiesBytesMax: number;
  /** Longest time for a body to arrive, and longest silence within a streamed one. */
  readonly bodyMs: number;
  /** Longest time for the headers of a request to arrive. */
  readonly headersMs: number;
  /** Bytes of the headers of one request. */
  readonly headersBytesMax: number;
  /** Longest time for a TLS handshake. */
  readonly handshakeMs: number;
  /** Connections at once; one more is turned away. */
  readonly connectionsMax: number;
  /** How long a connection may be idle between two requests. */
  readonly idleMs: number;
  /** How often a quiet event stream says that it lives. */
  readonly pingMs: number;
  /** Records behind the end, from which on a subscriber is told that it lags. */
  readonly lagRecords: number;
  /** How long a subscriber may leave unread what it was sent until it is told that it lags. */
  readonly lagMs: number;
  /** How long it may do so until its connection is closed. */
  readonly blockedMs: number;
  /** Buckets that are open at once; one more closes what was not used for longest. */
  readonly bucketsMax: number;
  /** Snapshots of buckets that clients hold at once; one more is turned away. */
  readonly snapshotsMax: number;
  /** How long a stopping server waits for requests under way. */
  readonly stopMs: number;
}

/** What a server allows where nothing is said. */
export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  bodyBytesMax: BATCH_UNCOMPRESSED_BYTES_MAX,
  bodiesBytesMax: 512 * MIB,
  bodyMs: 5 * 60_000,
  headersMs: 15_000,
  headersBytesMax: 32 * KIB,
  handshakeMs: 10_000,
  connectionsMax: 4096,
  // Longer than the pools of common clients keep a connection: then the client closes it first,
  // and no request is lost to a connection that the server closes at the same moment.
  idleMs: 120_000,
  pingMs: 15_000,
  lagRecords: 1000,
  lagMs: 5000,
  blockedMs: 60_000,
  bucketsMax: 64,
  snapshotsMax: 1000,
  stopMs: 6000,
};

/** Bytes that batches of one body are unpacked to until others have their turn. */
export const UNPACKED_TURN_BYTES = 16 * MIB;
/** Largest JSON body: one record of the largest size as base64, and then some. */
export const JSON_BODY_BYTES_MAX = 24 * MIB;
/** Most records of a JSON body, which is held as a whole; a record a line has no such bound. */
export const JSON_BODY_RECORDS_MAX = 100_000;
/** Records of a JSON page, unless asked for. */
export const PAGE_RECORDS_DEFAULT = 1000;
/** Most records of a JSON page. */
export const PAGE_RECORDS_MAX = 10_000;
/** Bytes at which a JSON page is full; one record is always given. */
export const PAGE_BYTES_MAX = 8 * MIB;
/** Bytes of a page of batches, unless asked for. */
export const BATCH_PAGE_BYTES_DEFAULT = MIB;
/** Most bytes of a page of batches; one batch is always given. */
export const BATCH_PAGE_BYTES_MAX = 8 * MIB;
/** Longest time to wait for a record. */
export const WAIT_MS_MAX = 60_000;
/** Bytes of a streamed answer that are put together before they are sent. */
export const CHUNK_BYTES = 64 * KIB;

/** How often a subscriber that lags is told so again. */
export const LAG_REPEAT_MS = 10_000;
/** Bytes that are read ahead of a subscriber, where reading ahead is worth it. */
export const SUBSCRIBER_READ_AHEAD_BYTES = MIB;

/** Largest message of a subscriber: it says how many records it takes, and no more. */
export const SOCKET_MESSAGE_BYTES_MAX = KIB;
/** The time in which the frames of a subscriber are counted. */
export const SOCKET_WINDOW_MS = 10_000;
/** Most messages of a subscriber in that time. */
export const SOCKET_MESSAGES_MAX = 10_000;
/** Most pings and pongs of a subscriber in that time. */
export const SOCKET_CONTROLS_MAX = 100;
/** How long a WebSocket that ends waits for the client to end it as well. */
export const SOCKET_CLOSE_MS = 1000;
/** Most records that a subscriber can say at once that it takes. */
export const SOCKET_CREDIT_MAX = 1_000_000;

/** Lines of a streamed body that are appended as one batch. */
export const LINE_BATCH_RECORDS = 1000;
/** Bytes of a streamed body that are appended as one batch. */
export const LINE_BATCH_BYTES = MIB;
/** How long lines wait for more to come before they are appended. */
export const LINE_LINGER_MS = 20;

/** Largest value of a key: with the key and what is around it, it is a record. */
export const KV_VALUE_BYTES_MAX = RECORD_BYTES_MAX - 4 * KIB;
/** Keys of a page, unless asked for. */
export const KV_PAGE_KEYS_DEFAULT = 100;
/** Most keys of a page. */
export const KV_PAGE_KEYS_MAX = 1000;
/** Most operations of a transaction, and most checks. */
export const TX_OPERATIONS_MAX = 1000;
/** Bytes of values that one transaction reads. */
export const TX_RESULT_BYTES_MAX = 24 * MIB;
/** Tries of a write that is decided by what is there, when others are faster. */
export const KV_TRIES = 10;
/** How long a snapshot is held unless asked for. */
export const SNAPSHOT_TTL_MS_DEFAULT = 60_000;
/** Longest time that a snapshot is held without being renewed. */
export const SNAPSHOT_TTL_MS_MAX = 3_600_000;
/** How long a look at a bucket waits for it to be opened. */
export const BUCKET_WAIT_MS = 1000;

/** Largest body about a consumer group: it names thousands of partitions. */
export const GROUP_BODY_BYTES_MAX = 512 * KIB;
/** Most partitions that such a body names. */
export const GROUP_PLACES_MAX = 4096;

/** Largest body that only has settings in it; it cannot be nested so deep that showing it fails. */
export const SETTINGS_BYTES_MAX = 4 * KIB;
/** Most topics that one request may name to be compacted. */
export const COMPACT_TOPICS_MAX = 1000;
/** Largest body that names them. */
export const COMPACT_BODY_BYTES_MAX = 256 * KIB;
/** Most partitions whose offsets are among the metrics. */
export const METRIC_PARTITIONS_MAX = 1000;

/** Most webhooks of one tenant. */
export const WEBHOOKS_MAX = 100;
/** Most deliveries of webhooks that are under way at once, over all tenants. */
export const WEBHOOK_DELIVERIES_MAX = 64;
/** Records of a delivery, unless asked for. */
export const WEBHOOK_RECORDS_DEFAULT = 100;
/** Most records of a delivery. */
export const WEBHOOK_RECORDS_MAX = 1000;
/** Bytes at which a delivery is full; one record is always sent. */
export const WEBHOOK_BODY_BYTES = MIB;
/** Largest body that says what a webhook is: it may name all partitions. */
export const WEBHOOK_SETTINGS_BYTES_MAX = 16 * KIB;
/** Longest URL of a webhook. */
export const WEBHOOK_URL_MAX = 2000;
/** Longest time for one delivery. */
export const WEBHOOK_TIMEOUT_MS = 15_000;
/** Bytes of an answer that are taken, and thrown away. */
export const WEBHOOK_ANSWER_BYTES_MAX = 64 * KIB;
/** Bytes of the headers of an answer. */
export const WEBHOOK_ANSWER_HEADERS_MAX = 16 * KIB;
/** Wait after the first failure of a delivery; after each further one it is twice as long. */
export const WEBHOOK_DELAY_MS_MIN = 1000;
/** Longest such wait. */
export const WEBHOOK_DELAY_MS_MAX = 3_600_000;
/** Longest wait that a receiver can ask for. */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 24 * 3_600_000;
/** How long a webhook may fail until it is paused: three days, which a week-end does not fill. */
export const WEBHOOK_GIVE_UP_MS = 3 * 24 * 3_600_000;
/** How long what is on its way may take to arrive when a webhook is changed, or the server stops. */
export const WEBHOOK_STOP_MS = 3000;
/** How far a webhook that only wants some records goes on without noting where it is. */
export const WEBHOOK_PASSED_RECORDS = 1000;

/** Longest text of what a credential grants. */
export const GRANTS_TEXT_MAX = 4096;
/** Most parts of it. */
export const GRANTS_MAX = 32;

/** Largest file of certificates or keys: some hundred authorities. */
export const TLS_FILE_BYTES_MAX = MIB;
/** How often certificates are looked at, whether there are new ones. */
export const TLS_LOOK_MS = 10_000;
/** How often who cannot write looks whether others have begun to keep something. */
export const CATALOGUE_LOOK_MS = 1000;
/** Tries of a change of what the server keeps, when others are faster. */
export const CATALOGUE_TRIES = 10;
/** Most credentials that are kept. */
export const CREDENTIALS_MAX = 10_000;
/** Longest name of a credential. */
export const CREDENTIAL_NAME_MAX = 100;
/** Longest subject of a certificate. */
export const SUBJECT_MAX = 1000;
/** Longest time that a timer is set to; it is set again where that is not enough. */
export const TIMER_MS_MAX = 86_400_000;
/** How old a measure of what a tenant stores may be. */
export const STORED_MEASURE_MS = 1000;
/** What a record counts for in a quota beside its key, its value and its headers. */
export const RECORD_COST_BYTES = 16;
/** Largest body that asks for a credential: its name, grants and subject, each at its longest. */
export const CREDENTIAL_BODY_BYTES_MAX = 32 * KIB;

/** Characters of a message, or of one field, of the server's log; the rest is cut. */
export const LOG_VALUE_CHARS_MAX = 8 * KIB;
