/**
 * What goes wrong with a query, in words that help.
 *
 * @module
 */
import type { TopicInfo } from "../../core/backend.ts";
import { SeglogError } from "../../core/base/errors.ts";
import { isInternalTopic } from "../../core/format/file_names.ts";
import type { ViewProgress } from "../../core/query/topic_view.ts";
import { VIEW_COLUMNS } from "../../core/query/view_schema.ts";
import type { AnswerFailure } from "./protocol.ts";
import { WorkerEnded } from "./worker_process.ts";

const TOPICS_SHOWN_MAX = 5;

const TAKES_TOO_MUCH =
  "Cannot run the query: it takes more than a query may: fewer rows or columns, or an index, make it smaller";

/** The error of a failure that a process told. */
export function failureError({ kind, message }: AnswerFailure): SeglogError {
  switch (kind) {
    case "wrong":
      return new SeglogError(
        "invalid-argument",
        `Cannot run the query: ${message}${hintFor(message)}`,
      );
    case "denied":
      return new SeglogError(
        "invalid-argument",
        `Cannot run the query: ${message}; a query reads topics, and does nothing else`,
      );
    case "large":
      return new SeglogError(
        "too-large",
        message === "" ? TAKES_TOO_MUCH : `${TAKES_TOO_MUCH} (${message})`,
      );
    case "stale":
    case "damaged":
    case "failed":
      return new SeglogError("io", "Cannot run the query: the view of a topic cannot be read", {
        cause: new Error(message), // it may tell where files are
      });
  }
}

/** The error for a query whose time is over. */
export function timeIsOver(timeoutMs: number): SeglogError {
  return new SeglogError(
    "request-timeout",
    `Cannot answer within ${timeoutMs} ms: the query takes longer; ask for less, index what it looks for, or give it more time`,
    { details: { timeoutMs } },
  );
}

/** The error for a query whose view is not there yet. It is made all the same. */
export function stillBuilding(topic: string, { done, total }: ViewProgress): SeglogError {
  const percent = total === 0 ? 0 : Math.floor(100 * done / total);
  return new SeglogError(
    "unavailable",
    `Cannot query "${topic}" yet: its view is being made, and ${percent}% of it is there; try again`,
    { details: { topic, done, total } },
  );
}

/** The error for a topic that is not there, with those that are there for whoever asks. */
export function noSuchTopic(
  topic: string,
  topics: readonly TopicInfo[],
  demand: (topic: string) => void,
): SeglogError {
  const names = topics.map(({ name }) => name).filter((name) => {
    if (isInternalTopic(name)) return false;
    try {
      demand(name);
      return true;
    } catch {
      return false;
    }
  });
  // What is spelled nearly so comes first.
  const alike = (name: string) => Number(name.toLowerCase() === topic.toLowerCase());
  const shown = names.toSorted((a, b) => alike(b) - alike(a)).slice(0, TOPICS_SHOWN_MAX)
    .map((name) => JSON.stringify(name));
  const more = names.length > shown.length ? `, and ${names.length - shown.length} more` : "";
  const hint = shown.length === 0 ? "" : `; there is ${shown.join(", ")}${more}`;
  return new SeglogError(
    "not-found",
    `Cannot query ${JSON.stringify(topic.slice(0, 200))}: there is no such topic${hint}`,
  );
}

/** An error of the process, told as one of ours. */
export function workerError(error: unknown): unknown {
  if (!(error instanceof WorkerEnded)) return error;
  if (error.signal !== null) {
    return new SeglogError("too-large", `${TAKES_TOO_MUCH} (the system ended it: ${error.signal})`);
  }
  return new SeglogError("internal", "Cannot run the query: there is no process that could", {
    cause: error,
  });
}

function hintFor(message: string): string {
  const [, column] = /^no such column: (.+)$/.exec(message) ?? [];
  if (column !== undefined) {
    const name = /^\w+$/.test(column) ? column : "user.id";
    return `; what is in a value is value ->> '$.${name}', text goes in single quotes, and the columns are ${
      VIEW_COLUMNS.join(", ")
    }`;
  }
  if (/malformed JSON/.test(message)) {
    return "; some values are no JSON: take the column json instead of value, which is null there";
  }
  return /JSON path error/i.test(message) ? "; a path is as in value ->> '$.user.id'" : "";
}
