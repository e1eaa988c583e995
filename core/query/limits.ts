/**
 * Every bound of queries in one place.
 *
 * @module
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Longest SQL text, in characters. */
export const QUERY_TEXT_MAX: number = 64 * KIB;
/** Most parameters of one query. */
export const QUERY_PARAMETERS_MAX = 1000;
/** Most topics of one query: so many files can SQLite have at a time. */
export const QUERY_TOPICS_MAX = 10;
/** Largest text or blob within a query: a record of the largest size as base64, and then some. */
export const QUERY_CELL_BYTES_MAX: number = 32 * MIB;
/** Memory that SQLite may take for one query, sorting and grouping included. */
export const QUERY_MEMORY_BYTES: number = 560 * MIB;
/** Memory of SQLite's page cache for one topic. */
export const QUERY_CACHE_BYTES: number = 32 * MIB;
/** Topics, one by one or joined, that a reader keeps open. */
export const QUERY_CONNECTIONS_MAX = 16;
/** Statements that a reader keeps ready for each of them. */
export const QUERY_STATEMENTS_MAX = 64;

/** Rows that a view takes in at once: some milliseconds of work, while which nothing else runs. */
export const VIEW_ROWS_AT_ONCE = 500;
/** Bytes of records that a view takes in at once. */
export const VIEW_BYTES_AT_ONCE: number = MIB;
/** Offsets that a view forgets at once. */
export const VIEW_OFFSETS_AT_ONCE = 5000;
/** How long a view waits for another process that writes to the same file, each time. */
export const VIEW_BUSY_MS = 50;
/** How often it waits: the other may be making an index. */
export const VIEW_WAITS_MAX = 1000;
/** How often a view is brought up to date again when the topic changes while it is read. */
export const VIEW_TRIES = 100;
/** Most indexes that can be asked for on one topic. */
export const VIEW_INDEXES_MAX = 16;
/** Longest path of an index, in characters. */
export const VIEW_PATH_MAX = 200;
/** Bytes of a page of a view's file. */
export const VIEW_PAGE_BYTES: number = 8 * KIB;
