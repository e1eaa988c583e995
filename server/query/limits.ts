/**
 * What the server allows for queries.
 *
 * @module
 */
import { availableParallelism } from "node:os";

const MIB = 1024 * 1024;

/** Rows of an answer, unless asked for. */
export const QUERY_ROWS_DEFAULT = 1000;
/** Most rows of an answer. */
export const QUERY_ROWS_MAX = 1_000_000;
/** Bytes of the rows of an answer, as JSON. */
export const QUERY_ANSWER_BYTES_MAX: number = 64 * MIB;
/** Time that a query has, unless asked for. */
export const QUERY_MS_DEFAULT = 5000;
/** Longest time that a query can be given, over HTTP. */
export const QUERY_MS_MAX = 60_000;
/** Largest body that asks a query. */
export const QUERY_BODY_BYTES_MAX: number = MIB;

/** Processes that run queries at once: more would only take the machine from each other. */
export const QUERY_WORKERS_MAX: number = Math.max(3, Math.min(8, availableParallelism()));
/** Queries that wait for one of them; one more is turned away. */
export const QUERIES_WAITING_MAX = 64;
/** How long a process that has nothing to do is kept. */
export const QUERY_WORKER_IDLE_MS: number = 5 * 60_000;
/** Time of the processor after which a process is replaced, when it has answered. */
export const QUERY_WORKER_CPU_MS = 30_000;
/** Memory from which on it is replaced likewise. */
export const QUERY_WORKER_MEMORY_BYTES: number = 384 * MIB;
/** Memory at which a process is ended, where that can be seen. */
export const QUERY_WORKER_MEMORY_BYTES_MAX: number = 768 * MIB;
/** How often it is looked at. */
export const QUERY_WORKER_LOOK_MS = 100;

/** Views that are kept up at once, of one tenant; one more lets go of what was not asked for longest. */
export const QUERY_VIEWS_MAX = 64;
/** How often a view looks for what came, so that the next query finds little to do. */
export const QUERY_VIEW_FOLLOW_MS = 1000;
/** How long a view that nobody asks is kept up. */
export const QUERY_VIEW_IDLE_MS: number = 10 * 60_000;
/** Queries of which is remembered what topics they are about. */
export const QUERIES_REMEMBERED_MAX = 1000;
