/**
 * The process that runs queries: reads requests from its standard input, one after the other, and
 * writes what comes of them to its standard output. It is all synchronous, and ends with its input.
 *
 * @module
 */
import process from "node:process";
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { messageOf } from "../../core/base/errors.ts";
import { QueryReader, type ReadSummary, TooManyBytes } from "../../core/query/reader.ts";
import { loadSqlite, SQLITE, type Sqlite, sqliteCode } from "../../core/query/sqlite.ts";
import { ViewFile } from "../../core/query/view_file.ts";
import { AnswerWriter } from "./answer_writer.ts";
import { LinePieces } from "./line_pieces.ts";
import { endWithParent } from "./parent_watch.ts";
import {
  type AnswerEnd,
  type AnswerFailure,
  parseRequestLine,
  type WorkerRequest,
} from "./protocol.ts";
import { readSome } from "./standard_io.ts";

const READ_BYTES = 64 * 1024;

/** Runs queries until standard input ends. */
export async function runQueryWorker(): Promise<void> {
  // A terminal sends its signals to all: who started this one ends it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  endWithParent();
  const sqlite = await loadSqlite();
  const reader = new QueryReader(sqlite);
  const writer = new AnswerWriter();
  const lines = new LinePieces();
  const block = new Uint8Array(READ_BYTES);
  for (;;) {
    const length = readSome(block);
    if (length === 0) return reader.close();
    for (const line of lines.take(block.slice(0, length))) {
      answer(decodeUtf8(line), { sqlite, reader, writer });
    }
  }
}

interface Tools {
  readonly sqlite: Sqlite;
  readonly reader: QueryReader;
  readonly writer: AnswerWriter;
}

function answer(line: string, tools: Tools): void {
  const { writer } = tools;
  try {
    const summary = summaryOf(parseRequestLine(line), tools);
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

function summaryOf(request: WorkerRequest, { sqlite, reader, writer }: Tools): ReadSummary {
  if (request.read !== undefined) {
    return reader.run(request.read, {
      columns: (names) => writer.line("C", JSON.stringify(names)),
      row: (json) => writer.line("R", json),
    });
  }
  const { path, topic, indexes } = request.index;
  const file = ViewFile.open(sqlite, path, topic);
  try {
    file.setIndexes(indexes);
  } finally {
    file.close();
  }
  return { rows: 0, isTruncated: false, offsets: {} };
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
      return "wrong"; // of parameters that do not fit, runtimes tell with errors of their own
  }
}
