/**
 * Runs a transaction that came as one body.
 *
 * @module
 */
import { ByteWriter, encodeUtf8 } from "../core/base/bytes.ts";
import { isNotFound, SeglogError } from "../core/base/errors.ts";
import type { Kv } from "../core/kv/kv.ts";
import type { KvEntry } from "../core/kv/kv_entry.ts";
import type { KvSnapshot } from "../core/kv/kv_snapshot.ts";
import type { KvTransaction } from "../core/kv/kv_transaction.ts";
import { EntryWriter } from "./entry_text.ts";
import type { Exchange } from "./exchange.ts";
import type { TxOperation, TxRequest } from "./kv_tx_body.ts";
import { conditionFailed } from "./kv_write.ts";
import { KV_TRIES, TX_RESULT_BYTES_MAX } from "./limits.ts";

/** What one operation came to: an entry or nothing for a get, and nothing yet for a write. */
type Outcome = KvEntry | undefined;

/** What a transaction is about to commit. */
interface Done {
  /** Of each operation. */
  readonly outcomes: readonly Outcome[];
  /** The keys that are written, in their order: not those that had no value to delete. */
  readonly written: readonly string[];
}

/** What a transaction came to. */
export interface TxCommit {
  readonly revision: number;
  /** One for each operation, in their order. */
  readonly results: readonly TxResult[];
}

/** What one operation came to. */
export interface TxResult {
  /** Of a get, where the key has a value. */
  readonly entry: KvEntry | undefined;
  /** Of that value, or of the write; `null` where there is none. */
  readonly revision: number | null;
}

/** Runs a transaction. @returns its revision and the result of each operation, as JSON */
export async function runTx(
  exchange: Pick<Exchange, "tenant" | "services">,
  bucket: string,
  request: TxRequest,
): Promise<Uint8Array> {
  return answerOf(request.operations, await commitTx(exchange, bucket, request));
}

/**
 * Runs a transaction, and commits all of it or nothing.
 *
 * @throws {SeglogError} nothing is written then: `condition-failed` for a check, with `key`,
 * `expected` and `actual`; `conflict`; `too-large`; `not-found`
 */
export async function commitTx(
  { tenant, services }: Pick<Exchange, "tenant" | "services">,
  bucket: string,
  request: TxRequest,
): Promise<TxCommit> {
  const { buckets, snapshots, quota } = tenant;
  quota.checkBytes();
  const using = request.snapshot === undefined
    ? undefined
    : snapshots.use(bucket, request.snapshot);
  try {
    const base = using?.snapshot;
    const isValidated = request.operations.some(({ op }) => op === "set");
    const run = async (kv: Kv) => {
      if (!isValidated) await kv.catchUp(); // no commit will find that something came meanwhile
      const { result, revision } = await surely(kv, () => runOn(kv, request, base));
      services.metrics.appended(result.written.length);
      for (const entry of result.outcomes) quota.takeBytes(entry?.value.length ?? 0);
      return { revision, results: resultsOf(request.operations, result, revision) };
    };
    try {
      return await buckets.use(bucket, { create: false }, run);
    } catch (error) {
      if (!isNotFound(error) || base !== undefined) throw error;
      checkAbsent(bucket, request);
      if (!request.operations.some(({ op }) => op === "set")) throw error;
    }
    return await buckets.use(bucket, { create: true }, run);
  } finally {
    using?.release();
  }
}

/** Of a bucket that is not there, no key has a value. */
function checkAbsent(bucket: string, { checks }: TxRequest): void {
  for (const { key, revision } of checks) {
    if (revision !== null) throw conditionFailed({ bucket, key }, revision, null);
  }
}

/** A check that fails may do so for want of what others wrote a moment ago. */
async function surely<Result>(kv: Kv, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof SeglogError) || error.code !== "condition-failed") throw error;
  }
  await kv.catchUp();
  return await run();
}

async function runOn(
  kv: Kv,
  request: TxRequest,
  base: KvSnapshot | undefined,
): Promise<{ readonly result: Done; readonly revision: number }> {
  // What a client read before is what it decided by: that cannot be run again for it.
  const retries = base === undefined ? KV_TRIES : 0;
  return await kv.transaction(async (tx) => {
    using now = kv.snapshot(); // of the same moment as the transaction
    return await new TxRun(kv.bucket, request, { tx, now, base }).run();
  }, { retries });
}

/** One run: a transaction that is serializable, and is shown only the reads that must still hold. */
class TxRun {
  readonly #bucket: string;
  readonly #request: TxRequest;
  readonly #tx: KvTransaction;
  readonly #now: KvSnapshot;
  readonly #base: KvSnapshot | undefined;
  readonly #written = new Set<string>();
  #readBytes = 0;

  constructor(
    bucket: string,
    request: TxRequest,
    { tx, now, base }: { tx: KvTransaction; now: KvSnapshot; base: KvSnapshot | undefined },
  ) {
    this.#bucket = bucket;
    this.#request = request;
    this.#tx = tx;
    this.#now = now;
    this.#base = base;
  }

  async run(): Promise<Done> {
    for (const { key, revision } of this.#request.checks) {
      const actual = this.#tx.revisionOf(key);
      if (actual === (revision ?? -1)) continue;
      throw conditionFailed({ bucket: this.#bucket, key }, revision, actual < 0 ? null : actual);
    }
    const outcomes: Outcome[] = [];
    for (const operation of this.#request.operations) outcomes.push(await this.#do(operation));
    return { outcomes, written: this.#tx.writes.map(({ record }) => record.key as string) };
  }

  async #do(operation: TxOperation): Promise<Outcome> {
    const { key } = operation;
    if (operation.op === "get") return this.#counted(await this.#get(key));
    this.#checkUnchanged(key);
    this.#written.add(key);
    if (operation.op === "set") this.#tx.set(key, operation.value);
    else this.#tx.delete(key);
    return undefined;
  }

  async #get(key: string): Promise<KvEntry | undefined> {
    if (this.#written.has(key)) return await this.#tx.get(key);
    if (this.#request.isolation === "snapshot") return await (this.#base ?? this.#now).get(key);
    this.#checkUnchanged(key);
    return await this.#tx.get(key);
  }

  /** From the client's snapshot to this moment; from then on the transaction itself sees to it. */
  #checkUnchanged(key: string): void {
    const base = this.#base;
    if (base === undefined) return;
    const bytes = encodeUtf8(key);
    if (base.revisionOf(bytes) === this.#now.revisionOf(bytes)) return;
    throw new SeglogError(
      "conflict",
      `Cannot commit: ${
        JSON.stringify(key.slice(0, 200))
      } was changed by somebody else since revision ${base.revision}; take another snapshot and try again`,
      { details: { key, revision: base.revision } },
    );
  }

  #counted(entry: KvEntry | undefined): KvEntry | undefined {
    this.#readBytes += entry?.value.length ?? 0;
    if (this.#readBytes <= TX_RESULT_BYTES_MAX) return entry;
    throw new SeglogError(
      "too-large",
      `Cannot read values of more than ${TX_RESULT_BYTES_MAX} bytes in one transaction: get them one by one, in a snapshot`,
      { details: { limit: TX_RESULT_BYTES_MAX } },
    );
  }
}

/**
 * The writes of a transaction have revisions in their order, of which the last is the commit's. That
 * of a deletion is `null` where there was no value.
 */
function resultsOf(
  operations: readonly TxOperation[],
  { outcomes, written }: Done,
  revision: number,
): TxResult[] {
  const first = revision - written.length + 1;
  const revisions = new Map(written.map((key, i) => [key, first + i]));
  return operations.map(({ op, key }, i) => {
    const own = revisions.get(key) ?? null;
    const entry = outcomes[i];
    if (op !== "get" || entry === undefined) {
      return { entry: undefined, revision: op === "get" ? null : own };
    }
    return { entry, revision: entry.revision < 0 ? own : entry.revision };
  });
}

function answerOf(operations: readonly TxOperation[], commit: TxCommit): Uint8Array {
  const body = new ByteWriter();
  const writer = new EntryWriter();
  body.text(`{"revision":${commit.revision},"results":[`);
  operations.forEach(({ op, key }, i) => {
    if (i > 0) body.text(",");
    const { entry, revision } = commit.results[i]!;
    if (op !== "get") body.text(`{"key":${JSON.stringify(key)},"revision":${revision}}`);
    else if (entry === undefined) body.text("null");
    else writer.entry(body, entry, revision!);
  });
  body.text("]}");
  return body.take();
}
