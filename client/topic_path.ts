/**
 * Where a topic is on a server.
 *
 * @module
 */

/** `/v1/topics/{topic}` */
export function topicPath(topic: string): string {
  return `/v1/topics/${nameSegment(topic)}`;
}

/** A name as a segment of a path. A URL cannot carry `.` or `..`, encoded or not: a semicolon follows them. */
export function nameSegment(name: string): string {
  return name === "." || name === ".." ? `${name};` : encodeURIComponent(name);
}
