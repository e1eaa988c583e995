/**
 * A backend before another one, that lets no record through which the schema of its topic refuses:
 * whatever way it comes.
 *
 * @module
 */
import type { AppendOptions, AppendResult, Backend, Reservation } from "../../core/backend.ts";
import type { BatchView } from "../../core/format/batch.ts";
import { isInternalTopic } from "../../core/format/file_names.ts";
import type { RecordInput } from "../../core/format/record.ts";
import { LayeredBackend } from "../layered_backend.ts";
import type { RecordCheck } from "./record_check.ts";
import { batchWithoutSchemaHeader, changedBatch, withoutSchemaHeader } from "./schema_header.ts";
import type { SchemaRegistry } from "./schema_registry.ts";

/** Checks what is appended. A topic without a schema costs a look into a map. */
export class SchemaBackend extends LayeredBackend {
  readonly #registry: SchemaRegistry;

  constructor(inner: Backend, registry: SchemaRegistry) {
    super(inner);
    this.#registry = registry;
    const { reserve } = this;
    if (reserve !== undefined) {
      this.reserve = async (topic, partition) =>
        this.#checkedReservation(topic, await reserve(topic, partition));
    }
  }

  override append(
    topic: string,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult> {
    return this.#withCheck(topic, (check) => {
      const checked = check === undefined ? withoutSchemaHeader(records) : check.stamped(records);
      return super.append(topic, checked, options);
    });
  }

  override appendBatch(
    topic: string,
    batch: BatchView,
    options?: Omit<AppendOptions, "producer">,
  ): Promise<AppendResult> {
    return this.#withCheck(
      topic,
      (check) => super.appendBatch(topic, checkedBatch(batch, check), options),
    );
  }

  override async deleteTopic(topic: string): Promise<void> {
    await super.deleteTopic(topic);
    if (!isInternalTopic(topic)) await this.#registry.forget(topic);
  }

  #checkedReservation(topic: string, reservation: Reservation): Reservation {
    return {
      release: () => reservation.release(),
      appendBatch: (batch, options) =>
        this.#withCheck(
          topic,
          (check) => reservation.appendBatch(checkedBatch(batch, check), options),
        ),
    };
  }

  /** In the same turn where schemas are in memory, so that appends keep their order. */
  #withCheck<Result>(
    topic: string,
    run: (check: RecordCheck | undefined) => Promise<Result>,
  ): Promise<Result> {
    const registry = this.#registry;
    if (isInternalTopic(topic)) return run(undefined);
    try {
      const check = registry.checkOf(topic);
      return check instanceof Promise ? check.then(run) : run(check);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

function checkedBatch(batch: BatchView, check: RecordCheck | undefined): BatchView {
  return check === undefined
    ? batchWithoutSchemaHeader(batch)
    : changedBatch(batch, (records) => check.stamped(records));
}
