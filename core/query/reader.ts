/**
 * Runs queries over views, and can do nothing else: files are open for reading, of the topics that a
 * query may see and of no others, and SQLite asks before each step that it compiles whether it may.
 *
 * A query that runs cannot be ended from within its process, and may be made to run for ever. So a
 * reader has a process of its own, that whoever asks can end.
 *
 * @module
 */
import process from "node:process";
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { cellJson, type SqlParameters, type SqlValue } from "./cells.ts";
import { identityOf } from "./file_identity.ts";
import {
  QUERY_CACHE_BYTES,
  QUERY_CELL_BYTES_MAX,
  QUERY_CONNECTIONS_MAX,
  QUERY_MEMORY_BYTES,
  QUERY_STATEMENTS_MAX,
} from "./limits.ts";
import { literal, type Sqlite } from "./sqlite.ts";
import { OWN_TABLES } from "./view_schema.ts";

/**
 * In Deno, iterating over rows ends at an error as if there were no more of them. Taking all of them
 * at once tells of it.
 */
const ITERATES_QUIETLY = "deno" in process.versions;

/** Functions that reach out of the database: to files, and to memory. */
const FORBIDDEN: ReadonlySet<string> = new Set(["load_extension", "fts3_tokenizer"]);

/** A topic that a query sees, and the file of its view. */
export interface QueryTopic {
  readonly name: string;
  readonly path: string;
}

/** What a reader is asked. */
export interface ReadRequest {
  readonly sql: string;
  readonly parameters: SqlParameters;
  readonly topics: readonly QueryTopic[];
  /** Most rows; whether there are more is told. */
  readonly rowsMax: number;
  /** Most bytes of rows, as JSON. */
  readonly bytesMax: number;
}

/** What came of it. */
export interface ReadSummary {
  readonly rows: number;
  /** Whether there are more rows. */
  readonly isTruncated: boolean;
  /** How far the rows reach: by topic and partition, the offset behind the last that is seen. */
  readonly offsets: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Is told what there is, in order. */
export interface RowSink {
  columns(names: readonly string[]): void;
  /** A row, as a JSON array. */
  row(json: string): void;
}

/** The rows are more than may be given. */
export class TooManyBytes extends Error {
  override readonly name = "TooManyBytes";
}

/** Runs queries, one at a time. */
export class QueryReader {
  readonly #sqlite: Sqlite;
  /** By the files that they see, the most recently used last. */
  readonly #connections = new Map<string, Connection>();

  constructor(sqlite: Sqlite) {
    this.#sqlite = sqlite;
  }

  /** Runs one query. @throws errors of SQLite; {@linkcode TooManyBytes} */
  run(request: ReadRequest, sink: RowSink): ReadSummary {
    return this.#connection(request.topics).run(request, sink);
  }

  /** Lets go of all files. */
  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #connection(topics: readonly QueryTopic[]): Connection {
    const name = JSON.stringify(topics.map(({ name, path }) => [name, path]));
    let connection = this.#connections.get(name);
    this.#connections.delete(name);
    if (connection !== undefined && !connection.isCurrent) {
      connection.close();
      connection = undefined;
    }
    connection ??= new Connection(this.#sqlite, topics);
    this.#connections.set(name, connection);
    if (this.#connections.size > QUERY_CONNECTIONS_MAX) {
      const [oldest] = this.#connections;
      this.#connections.delete(oldest![0]);
      oldest![1].close();
    }
    return connection;
  }
}

/** What sees some topics. */
class Connection {
  readonly #sqlite: Sqlite;
  readonly #db: DatabaseSync;
  readonly #topics: readonly QueryTopic[];
  readonly #identities: readonly string[];
  readonly #statements = new Map<string, StatementSync>();
  readonly #positions: readonly StatementSync[];
  /** Whether what is compiled is ours. */
  #isOwn = true;

  constructor(sqlite: Sqlite, topics: readonly QueryTopic[]) {
    this.#sqlite = sqlite;
    this.#topics = topics;
    this.#identities = topics.map(({ path }) => identityOf(path));
    this.#db = new sqlite.DatabaseSync(":memory:", {
      allowExtension: false,
      enableDoubleQuotedStringLiterals: false,
    });
    try {
      this.#attach();
      this.#confine();
      this.#positions = topics.map((_, i) =>
        this.#db.prepare(`select partition, next from v${i}.${OWN_TABLES}positions`)
      );
    } catch (error) {
      this.#db.close();
      throw error;
    }
    this.#isOwn = false;
  }

  /** Whether the names still stand for the files that are open. */
  get isCurrent(): boolean {
    return this.#topics.every(({ path }, i) => identityOf(path) === this.#identities[i]);
  }

  run({ sql, parameters, rowsMax, bytesMax }: ReadRequest, sink: RowSink): ReadSummary {
    this.#own("begin");
    try {
      const offsets = this.#offsets(); // first: the plan of a query is made for the tables of now
      const statement = this.#statement(sql);
      sink.columns(statement.columns().map(({ name }) => name));
      let rows = 0;
      let bytes = 0;
      let isTruncated = false;
      for (const row of this.#rows(statement, { sql, parameters, rowsMax })) {
        if (rows === rowsMax) {
          isTruncated = true;
          break;
        }
        const json = `[${(row as unknown as SqlValue[]).map(cellJson).join()}]`;
        bytes += json.length;
        if (bytes > bytesMax) throw new TooManyBytes(`its rows have over ${bytesMax} bytes`);
        sink.row(json);
        rows++;
      }
      return { rows, isTruncated, offsets };
    } finally {
      this.#rollBack();
    }
  }

  /** What failed is told, and not that there is nothing to be taken back any more. */
  #rollBack(): void {
    try {
      this.#own("rollback");
    } catch {
      // SQLite has rolled back by itself: for want of memory, say.
    }
  }

  close(): void {
    this.#db.close();
  }

  #attach(): void {
    this.#db.exec(`pragma hard_heap_limit = ${QUERY_MEMORY_BYTES}`);
    this.#db.exec("pragma temp_store = memory"); // what is sorted counts as memory, and fills no disk
    this.#db.exec("pragma trusted_schema = off");
    this.#db.exec("pragma cell_size_check = on"); // damage is found, and not followed
    for (const [i, { path }] of this.#topics.entries()) {
      this.#db.exec(`attach ${literal(`${pathToFileURL(path).href}?mode=ro`)} as v${i}`);
      this.#db.exec(`pragma v${i}.cache_size = -${QUERY_CACHE_BYTES / 1024}`);
    }
    this.#db.exec("pragma query_only = on");
  }

  #confine(): void {
    const { constants } = this.#sqlite;
    const { limits } = this.#db;
    limits.length = QUERY_CELL_BYTES_MAX;
    limits.attach = Math.max(1, this.#topics.length);
    const allowed: ReadonlySet<number> = new Set([
      constants.SQLITE_SELECT,
      constants.SQLITE_READ,
      constants.SQLITE_FUNCTION,
      constants.SQLITE_RECURSIVE,
    ]);
    this.#db.setAuthorizer((action, first, second) => {
      const isAllowed = this.#isOwn || (allowed.has(action) && !isOurs(first) &&
        !(action === constants.SQLITE_FUNCTION && FORBIDDEN.has(second ?? "")));
      return isAllowed ? constants.SQLITE_OK : constants.SQLITE_DENY;
    });
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    if (isPlan(sql)) return statement; // it would stay what it is, whatever becomes of the tables
    if (this.#statements.size === QUERY_STATEMENTS_MAX) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Rows as arrays: all of them, or one more than are wanted. */
  #rows(
    statement: StatementSync,
    { sql, parameters, rowsMax }: Pick<ReadRequest, "sql" | "parameters" | "rowsMax">,
  ): Iterable<unknown> {
    if (!ITERATES_QUIETLY) return given(parameters, (...all) => statement.iterate(...all));
    const bounded = isPlan(sql)
      ? statement
      : this.#statement(`select * from (${sql}) limit ${rowsMax + 1}`);
    return given(parameters, (...all) => bounded.all(...all));
  }

  /** Of this moment: within the transaction, each file stays as it is first read. */
  #offsets(): Record<string, Record<string, number>> {
    this.#isOwn = true;
    try {
      return Object.fromEntries(this.#topics.map(({ name }, i) => [
        name,
        Object.fromEntries(
          this.#positions[i]!.all().map(({ partition, next }) => [String(partition), Number(next)]),
        ),
      ]));
    } finally {
      this.#isOwn = false;
    }
  }

  #own(sql: string): void {
    this.#isOwn = true;
    try {
      this.#db.exec(sql);
    } finally {
      this.#isOwn = false;
    }
  }
}

function isPlan(sql: string): boolean {
  return sql.startsWith("explain ");
}

/** Tables that say what is in the files, and how far they are. */
function isOurs(table: string | null): boolean {
  return table !== null && /^(?:__seglog_|sqlite_)/i.test(table);
}

/** Calls with parameters by place, or with an object of those that have names. */
function given<Result>(
  parameters: SqlParameters,
  call: (...all: SQLInputValue[]) => Result,
): Result {
  if (Array.isArray(parameters)) return call(...parameters as SQLInputValue[]);
  return call(parameters as unknown as SQLInputValue);
}
