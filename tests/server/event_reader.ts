/** Reads a stream of server-sent events. */

export interface ServerEvent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** The events of a response as they come; comments are events named `comment`. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerEvent, void, undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      yield parseEvent(rest.slice(0, end));
      rest = rest.slice(end + 2);
    }
  }
}

function parseEvent(text: string): ServerEvent {
  let event = "message";
  let id: string | undefined;
  let data = "";
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    const value = line.slice(colon + 1).trimStart();
    if (colon === 0) return { event: "comment", id, data: value };
    if (line.startsWith("event")) event = value;
    else if (line.startsWith("id")) id = value;
    else if (line.startsWith("data")) data = value;
    else if (line.startsWith("retry")) event = "retry";
  }
  return { event, id, data };
}
