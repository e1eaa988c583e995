/**
 * Where a topic is on a server.
 *
 * @module
 */

/** `/v1/topics/{topic}` */
export function topicPath(topic: string): string {
  return `/v1/topics/${topicSegment(topic)}`;
}

/** A topic in a path. A URL cannot carry `.` or `..`, encoded or not: a semicolon follows them. */
export function topicSegment(topic: string): string {
  return topic === "." || topic === ".." ? `${topic};` : encodeURIComponent(topic);
}
