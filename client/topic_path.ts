/**
 * Where a topic is on a server.
 *
 * @module
 */

/** `/v1/topics/{topic}`. A URL cannot carry `.` or `..`, encoded or not: a semicolon follows them. */
export function topicPath(topic: string): string {
  const segment = topic === "." || topic === ".." ? `${topic};` : encodeURIComponent(topic);
  return `/v1/topics/${segment}`;
}
