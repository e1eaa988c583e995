/**
 * The topics of a place, without those that a server keeps for itself.
 *
 * @module
 */
import type { Backend, TopicInfo } from "../core/backend.ts";
import { isInternalTopic } from "../core/format/file_names.ts";

/** All topics by name, but the internal ones: they are worked on by name only. */
export async function shownTopics(backend: Backend): Promise<TopicInfo[]> {
  return (await backend.listTopics()).filter(({ name }) => !isInternalTopic(name));
}
