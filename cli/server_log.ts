/**
 * The log of a server that the command line runs.
 *
 * @module
 */
import { systemClock } from "../core/base/clock.ts";
import { jsonLogger, type Logger, type LogLevel, textLogger } from "../server/logger.ts";
import type { Io } from "./io.ts";
import { LogSink } from "./log_sink.ts";
import { logStream } from "./log_stream.ts";

/** How a log is written. */
export interface LogSettings {
  readonly format: LogFormat;
  /** What is less is left out. */
  readonly level: LogLevel;
}

/** Lines for people, or for programs. */
const LOG_FORMATS = ["text", "json"] as const;

/** One of them. */
export type LogFormat = typeof LOG_FORMATS[number];

/** A log on standard error. */
export interface ServerLog {
  readonly logger: Logger;
  /** Resolves when all of it is written, or nobody reads it. */
  finish(): Promise<void>;
}

/** Opens it. */
export function openServerLog(io: Io, { format, level }: LogSettings): ServerLog {
  const sink = new LogSink(logStream(io), (lines) => {
    logger.warn(`dropped ${lines} lines of this log: it was read too slowly`, {
      event: "dropped",
      lines,
    });
  });
  const write = (line: string) => sink.write(line);
  const logger = format === "json"
    ? jsonLogger(write, { clock: systemClock, least: level })
    : textLogger(write, level);
  return { logger, finish: () => sink.finish() };
}
