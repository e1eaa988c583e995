/**
 * The schemas of one topic, as they are kept: all versions in one record, so that they change
 * together or not at all.
 *
 * @module
 */
import { z } from "zod";
import { COMPATIBILITIES } from "./compatibility.ts";

/** Its shape. */
const topicSchemas = z.object({
  /** The topic itself: one of the same name that is made later starts without schemas. */
  topicId: z.string(),
  compatibility: z.enum(COMPATIBILITIES),
  /** The highest version that there ever was: none is used again. */
  lastVersion: z.int().min(0),
  /** The oldest first; none when they were removed. */
  versions: z.array(z.object({
    version: z.int().min(1),
    /** Milliseconds since 1970. */
    registeredAt: z.number(),
    schema: z.unknown(),
  })),
});

/** What is kept of a topic. */
export type TopicSchemas = z.infer<typeof topicSchemas>;
/** One version. */
export type SchemaVersion = TopicSchemas["versions"][number];

/** From JSON. @throws what says that it is none */
export function parseTopicSchemas(value: unknown): TopicSchemas {
  return topicSchemas.parse(value);
}
