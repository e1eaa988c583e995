/**
 * The process that runs queries: reads requests from its standard input, one after the other, and
 * writes what comes of them to its standard output. It is all synchronous, and ends with its input.
 *
 * @module
 */
import process from "node:process";
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { messageOf } from "../../core/base/errors.ts";
import { QueryReader, TooManyBytes } from "../../core/query/reader.ts";
import { loadSqlite, SQLITE, sqliteCode } from "../../core/query/sqlite.ts";
import { AnswerWriter } from "./answer_writer.ts";
import { LinePieces } from "./line_pieces.ts";
import { type AnswerEnd, type AnswerFailure, parseRequestLine } from "./protocol.ts";
import { readSome } from "./standard_io.ts";

const READ_BYTES = 64 * 1024;

/** Runs queries until standard input ends. */
export async function runQueryWorker(): Promise<void> {
  // A terminal sends its signals to all: who started this one ends it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  const reader = new QueryReader(await loadSqlite());
  const writer = new AnswerWriter();
  const lines = new LinePieces();
  const block = new Uint8Array(READ_BYTES);
  for (;;) {
    const length = readSome(block);
    if (length === 0) return reader.close();
    for (const line of lines.take(block.slice(0, length))) answer(reader, decodeUtf8(line), writer);
  }
}

function answer(reader: QueryReader, line: string, writer: AnswerWriter): void {
  try {
    const summary = reader.run(parseRequestLine(line), {
      columns: (names) => writer.line("C", JSON.stringify(names)),
      row: (json) => writer.line("R", json),
    });
    const { user, system } = process.cpuUsage();
    const end: AnswerEnd = {
      ...summary,
      cpuMs: Math.round((user + system) / 1000),
      memoryBytes: process.memoryUsage().rss,
    };
    writer.line("E", JSON.stringify(end));
  } catch (error) {
    const table = missingTable(error);
    if (table !== undefined) writer.line("M", JSON.stringify({ table }));
    else writer.line("X", JSON.stringify(failureOf(error)));
  }
  writer.flush();
}

/** SQLite's own parser says which tables a query is about. */
function missingTable(error: unknown): string | undefined {
  const code = sqliteCode(error);
  if (code !== undefined && code !== SQLITE.error) return undefined;
  return /^no such table: (.+)$/s.exec(messageOf(error))?.[1];
}

function failureOf(error: unknown): AnswerFailure {
  return { kind: kindOf(error), message: messageOf(error) };
}

function kindOf(error: unknown): AnswerFailure["kind"] {
  if (error instanceof TooManyBytes) return "large";
  switch (sqliteCode(error)) {
    case SQLITE.noMemory:
    case SQLITE.tooBig:
      return "large";
    case SQLITE.denied:
    case SQLITE.readOnly:
      return "denied";
    case SQLITE.cannotOpen:
      return "stale";
    case SQLITE.corrupt:
    case SQLITE.notADatabase:
      return "damaged";
    case SQLITE.busy:
    case SQLITE.locked:
    case SQLITE.ioError:
      return "failed";
    default:
      // Of parameters that do not fit, runtimes tell with errors of their own.
      return /not authorized/i.test(messageOf(error)) ? "denied" : "wrong";
  }
}
