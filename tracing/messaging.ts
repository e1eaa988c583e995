/**
 * Appends and reads as spans, described as OpenTelemetry describes messaging.
 *
 * @module
 */
import type { Span, SpanKind } from "@opentelemetry/api";
import type { AppendResult } from "../core/backend.ts";
import type { BatchView } from "../core/format/batch.ts";
import type { SpanParts } from "./spans.ts";

/** What is done with a topic, and by which types of OpenTelemetry. */
const OPERATIONS = { append: "send", read: "receive" } as const;

/** Where something is done. */
export interface MessagingPlace {
  readonly topic: string;
  readonly partition?: number | undefined;
}

/** The span of an operation: `append orders`. */
export function messagingSpan(
  operation: keyof typeof OPERATIONS,
  { topic, partition }: MessagingPlace,
  kind: SpanKind,
): SpanParts {
  return {
    name: `${operation} ${topic}`,
    kind,
    attributes: {
      "messaging.system": "seglog",
      "messaging.operation.name": operation,
      "messaging.operation.type": OPERATIONS[operation],
      "messaging.destination.name": topic,
      ...partition === undefined ? {} : { "messaging.destination.partition.id": String(partition) },
    },
  };
}

/** Notes where records went. */
export function noteAppended(span: Span, { partition, start, end }: AppendResult): void {
  span.setAttributes({
    "messaging.destination.partition.id": String(partition),
    "messaging.batch.message_count": end - start,
    "seglog.start": start,
    "seglog.end": end,
  });
}

/** Notes what was read. Batches come whole, so that fewer of their records may have been asked for. */
export function noteRead(span: Span, batches: readonly BatchView[]): void {
  const records = batches.reduce((sum, { header }) => sum + header.recordCount, 0);
  span.setAttribute("messaging.batch.message_count", records);
}
