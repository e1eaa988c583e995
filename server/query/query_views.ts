/**
 * The views of one tenant's topics: made when a topic is first queried, kept up for as long as it is,
 * and let go of when nobody asks any more. Their files stay, so that the next query finds them.
 *
 * @module
 */
import { join } from "node:path";
import type { Backend } from "../../core/backend.ts";
import type { Clock } from "../../core/base/clock.ts";
import { isNotFound, SeglogError } from "../../core/base/errors.ts";
import { TemporaryFolder } from "../../core/disk/temporary_folder.ts";
import type { QueryTopic } from "../../core/query/reader.ts";
import { loadSqlite, type Sqlite } from "../../core/query/sqlite.ts";
import { type IndexWork, TopicView, type ViewProgress } from "../../core/query/topic_view.ts";
import { describeFault } from "../problem.ts";
import { addIndex, indexRevision, readIndexes, removeIndex } from "./index_definitions.ts";
import { QUERY_VIEW_FOLLOW_MS, QUERY_VIEW_IDLE_MS, QUERY_VIEWS_MAX } from "./limits.ts";

/** What views are opened with. */
export interface QueryViewsOptions {
  readonly clock: Clock;
  readonly notice: (text: string) => void;
  /** Makes indexes where there are many rows already. */
  readonly index: (work: IndexWork) => Promise<void>;
}

/** What the names of folders begin with in which views are whose topics have no place for them. */
export const QUERY_FOLDER_PREFIX = "seglog-query-";

/** The hint that a view is, beside its topic. */
const HINT = "query";

interface OpenView {
  readonly view: TopicView;
  usedMs: number;
  /** Of the definitions of indexes that the view has. */
  indexRevision: number;
}

/** Views by topic. */
export class QueryViews {
  readonly #backend: Backend;
  readonly #options: QueryViewsOptions;
  /** The most recently used last. */
  readonly #views = new Map<string, OpenView>();
  #sqlite: Sqlite | undefined;
  #folder: TemporaryFolder | undefined;
  #files = 0;
  #cancelLook: (() => void) | undefined;
  #isClosed = false;

  constructor(backend: Backend, options: QueryViewsOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /**
   * The view of a topic with all that is in it at the time of the call.
   *
   * @throws {SeglogError} as `TopicView.catchUp`
   */
  async upToDate(topic: string): Promise<QueryTopic> {
    const open = await this.#open(topic);
    const { view } = open;
    try {
      await this.#refreshIndexes(topic, open);
      await view.catchUp();
    } catch (error) {
      if (isNotFound(error)) await this.#close(topic);
      throw error;
    }
    return { name: topic, path: view.path };
  }

  /** How far views have come that are being brought up to date. */
  progressOf(topic: string): ViewProgress {
    return this.#views.get(topic)?.view.progress ?? { done: 0, total: 0 };
  }

  /** The view that has most to do, where there is one. */
  get busiest(): { readonly topic: string } & ViewProgress | undefined {
    return [...this.#views].map(([topic, { view }]) => ({ topic, ...view.progress }))
      .filter(({ done, total }) => done < total)
      .toSorted((a, b) => b.total - b.done - (a.total - a.done))[0];
  }

  /** Makes views anew whose files a reader found damaged. */
  async discard(topics: readonly string[]): Promise<void> {
    for (const topic of topics) await this.#views.get(topic)?.view.discard();
  }

  /** The paths that a topic is indexed by. @throws {SeglogError} `not-found` */
  async indexes(topic: string): Promise<readonly string[]> {
    await this.#backend.describeTopic(topic);
    return await readIndexes(this.#backend, topic);
  }

  /** Indexes a topic by a path; it is done with the next query. @returns all of its paths */
  addIndex(topic: string, path: string): Promise<readonly string[]> {
    return addIndex(this.#backend, topic, path);
  }

  /** Takes an index away. @returns the paths that are left */
  removeIndex(topic: string, path: string): Promise<readonly string[]> {
    return removeIndex(this.#backend, topic, path);
  }

  /** Lets go of all views. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelLook?.();
    await Promise.all([...this.#views.keys()].map((topic) => this.#close(topic)));
    this.#folder?.remove();
  }

  async #open(topic: string): Promise<OpenView> {
    this.#checkOpen();
    if (!this.#views.has(topic)) {
      const sqlite = this.#sqlite ??= await loadSqlite();
      this.#checkOpen();
      if (!this.#views.has(topic)) await this.#make(topic, sqlite);
    }
    const open = this.#views.get(topic)!;
    open.usedMs = this.#options.clock.now();
    this.#views.delete(topic);
    this.#views.set(topic, open);
    this.#look();
    return open;
  }

  async #make(topic: string, sqlite: Sqlite): Promise<void> {
    const temporary = () => {
      this.#folder ??= new TemporaryFolder(QUERY_FOLDER_PREFIX);
      return join(this.#folder.path, `${this.#files++}.sqlite`);
    };
    const own = this.#backend.hints?.pathOf?.(topic, HINT);
    const places = own === undefined ? [temporary] : [() => own, temporary];
    const { notice, index } = this.#options;
    const view = new TopicView(this.#backend, topic, { sqlite, places, index, notice });
    this.#views.set(topic, { view, usedMs: this.#options.clock.now(), indexRevision: 0 });
    if (this.#views.size > QUERY_VIEWS_MAX) await this.#close(this.#views.keys().next().value!);
  }

  /** Another process may have been asked for indexes, of the same file even: all go by the log. */
  async #refreshIndexes(topic: string, open: OpenView): Promise<void> {
    const revision = await indexRevision(this.#backend);
    if (revision === open.indexRevision) return;
    open.view.indexes = await readIndexes(this.#backend, topic);
    open.indexRevision = revision;
  }

  /** Looks now and then for what came, and for views that nobody asks any more. */
  #look(): void {
    if (this.#cancelLook !== undefined || this.#isClosed || this.#views.size === 0) return;
    const { clock, notice } = this.#options;
    this.#cancelLook = clock.after(QUERY_VIEW_FOLLOW_MS, async () => {
      for (const [topic, open] of [...this.#views]) {
        const isIdle = clock.now() - open.usedMs > QUERY_VIEW_IDLE_MS;
        try {
          if (isIdle) await this.#close(topic);
          else {
            await this.#refreshIndexes(topic, open);
            await open.view.catchUp();
          }
        } catch (error) {
          const { code } = error as { code?: unknown };
          if (code !== "closed" && code !== "not-found") notice(describeFault(error));
          await this.#close(topic); // the next query opens it again, and is told
        }
      }
      this.#cancelLook = undefined;
      this.#look();
    });
  }

  async #close(topic: string): Promise<void> {
    const open = this.#views.get(topic);
    this.#views.delete(topic);
    await open?.view.close();
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new SeglogError("closed", "Cannot run the query: the server stops");
  }
}
