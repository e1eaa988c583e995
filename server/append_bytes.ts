/**
 * Appends a body as the value of one record.
 *
 * @module
 */
import { SeglogError } from "../core/base/errors.ts";
import { VALUE_TYPES, type ValueType } from "../core/format/record.ts";
import { jsonAnswer } from "./answers.ts";
import { appendOptions } from "./append_options.ts";
import { appendAnswer } from "./append_progress.ts";
import type { Exchange } from "./exchange.ts";
import type { Query } from "./query.ts";

/** Answers when the record is in. An empty body is an empty value. */
export function appendBytes(exchange: Exchange): Promise<Response> {
  const { topic, backend, services } = exchange;
  const query = exchange.query("partition", "key", "type");
  const options = appendOptions(exchange, query);
  const key = query.text("key") ?? exchange.textHeader("Seglog-Key");
  const type = typeOf(query);
  return exchange.body(exchange.services.limits.bodyBytesMax, async (value) => {
    const result = await backend.append(topic, [{ key, value, type }], options);
    services.metrics.appended(1);
    return jsonAnswer(appendAnswer(result));
  });
}

function typeOf(query: Query): ValueType {
  const type = query.text("type") ?? "bytes";
  if (VALUE_TYPES.includes(type as ValueType)) return type as ValueType;
  throw new SeglogError(
    "invalid-argument",
    `Cannot use type=${JSON.stringify(type.slice(0, 80))}: the types are ${VALUE_TYPES.join(", ")}`,
  );
}
