/**
 * The entry of a process that runs queries, where seglog runs from its source.
 *
 * @module
 */
import { runQueryWorker } from "./worker.ts";

await runQueryWorker();
