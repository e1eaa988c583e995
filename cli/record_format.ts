/**
 * How `read` and `tail` write a record: its value, its JSON shape, or a format of one's own.
 *
 * @module
 */
import type { LogRecord } from "../core/format/record.ts";
import { ShapeWriter } from "../core/format/write_shape.ts";
import type { ChunkWriter } from "./chunk_writer.ts";
import { unescape } from "./escapes.ts";
import { UsageError } from "./exit.ts";

/** A record, and where it is from. */
export interface PlacedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly record: LogRecord;
}

/** Writes one record, and what ends it. */
export type RecordPrinter = (placed: PlacedRecord, writer: ChunkWriter) => void;

const NEWLINE = 10;
const EMPTY = "";

/** The printer that the options ask for. @throws {UsageError} */
export function recordPrinter(
  options: { readonly format: string | undefined; readonly shaped: boolean },
): RecordPrinter {
  if (options.format === undefined) return options.shaped ? shapePrinter() : printValue;
  if (options.shaped) throw new UsageError("give a format or -J, not both");
  return parseRecordFormat(options.format);
}

/** The value and a line break. A tombstone is an empty line, as an empty value is. */
export function printValue({ record }: PlacedRecord, writer: ChunkWriter): void {
  if (record.value !== null) writer.bytes(record.value);
  writer.byte(NEWLINE);
}

/** The record shape, one line. */
function shapePrinter(): RecordPrinter {
  const shapes = new ShapeWriter();
  return (placed, writer) => {
    shapes.write(writer, placed.record, placed);
    writer.byte(NEWLINE);
  };
}

const FIELDS: Readonly<Record<string, RecordPrinter>> = {
  o: ({ record }, writer) => writer.text(String(record.offset)),
  T: ({ record }, writer) => writer.text(String(record.timestamp)),
  t: ({ topic }, writer) => writer.text(topic),
  p: ({ partition }, writer) => writer.text(String(partition)),
  k: ({ record }, writer) => record.key === null ? undefined : writer.bytes(record.key),
  v: ({ record }, writer) => record.value === null ? undefined : writer.bytes(record.value),
  s: ({ record }, writer) => writer.text(String(record.value?.length ?? 0)),
  h: ({ record }, writer) => writer.text(headersText(record)),
  "%": (_, writer) => writer.text("%"),
};

/**
 * A format such as `%o %k %v\n`.
 *
 * @throws {UsageError} naming the directive that is not known
 */
export function parseRecordFormat(format: string): RecordPrinter {
  const parts: RecordPrinter[] = [];
  for (const [part, literal = EMPTY, directive] of format.matchAll(/([^%]+)|%(.?)/gs)) {
    if (directive === undefined) {
      const text = unescape(literal);
      parts.push((_, writer) => writer.text(text));
      continue;
    }
    if (!Object.hasOwn(FIELDS, directive)) {
      throw new UsageError(
        `${part} is not known in the format ${JSON.stringify(format)}: ` +
          `there are ${Object.keys(FIELDS).map((field) => `%${field}`).join(" ")}`,
      );
    }
    parts.push(FIELDS[directive]!);
  }
  return (placed, writer) => {
    for (const part of parts) part(placed, writer);
  };
}

function headersText(record: LogRecord): string {
  return Object.entries(record.headers).map(([name, text]) => `${name}=${text}`).join(",");
}
