/**
 * Checks records against the schema that is in force, and notes on each which version that was.
 *
 * @module
 */
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { messageOf, SeglogError } from "../../core/base/errors.ts";
import type { LogRecord, RecordInput } from "../../core/format/record.ts";
import type { Complaint } from "./complaint.ts";
import { SCHEMA_HEADER, withoutSchemaHeader } from "./schema_header.ts";
import { isSpent, type Validator } from "./validator.ts";

/** The check of one version for one topic. */
export class RecordCheck {
  /** The version that it is for. */
  readonly version: number;
  readonly #topic: string;
  readonly #validator: Validator;

  constructor(topic: string, version: number, validator: Validator) {
    this.version = version;
    this.#topic = topic;
    this.#validator = validator;
  }

  /**
   * The records with their version noted. A tombstone is about a key, and has no value to check.
   *
   * @throws {SeglogError} `invalid-record` for the first that is not valid, with its `index`, the
   * `path` in its value, and the version as `schema`
   */
  stamped(records: readonly RecordInput[]): RecordInput[] {
    this.#validator.begin();
    const version = String(this.version);
    return records.map((record, index) => {
      if (record.value === null) return withoutSchemaHeader([record])[0]!;
      const complaint = this.complaint(record);
      if (complaint !== undefined) throw this.#refused(index, complaint);
      return { ...record, headers: { ...record.headers, [SCHEMA_HEADER]: version } };
    });
  }

  /** Begins to count the steps of {@linkcode RecordCheck.complaint} anew. */
  begin(): void {
    this.#validator.begin();
  }

  /** What is wrong with a record that is no tombstone; `undefined` when it is valid. */
  complaint(
    { value, type }: Pick<RecordInput | LogRecord, "value" | "type">,
  ): Complaint | undefined {
    if (type !== "json") {
      const actual = type ?? (typeof value === "string" ? "text" : "bytes");
      return { path: "", reason: `it is ${actual}, and the topic has a schema: append it as json` };
    }
    let document: unknown;
    try {
      document = JSON.parse(typeof value === "string" ? value : decodeUtf8(value!));
    } catch (error) {
      return { path: "", reason: `it is no JSON (${messageOf(error)})` };
    }
    try {
      return this.#validator.complaint(document);
    } catch (error) {
      if (!isSpent(error)) throw error;
      const reason = error instanceof RangeError
        ? "it is nested too deep to be checked"
        : "checking it takes too many steps; append fewer at a time";
      return { path: "", reason };
    }
  }

  #refused(index: number, { path, reason }: Complaint): SeglogError {
    const where = path === "" ? "" : ` at ${path.slice(0, 200)}`;
    return new SeglogError(
      "invalid-record",
      `Cannot append record ${index} to "${this.#topic}"${where}: ${reason} ` +
        `(version ${this.version} of its schema)`,
      { details: { index, path, schema: this.version } },
    );
  }
}
