/**
 * What the command line shows of addresses, in which people may say who they are.
 *
 * @module
 */

/**
 * A text, without what somebody logs in with in the URLs that it holds. A password may have anything in
 * it, an `@` and a slash included where it was not written as a URL wants it: all up to the last `@` goes.
 */
export function withoutLogins(text: string): string {
  return text.replace(/\b([a-z][a-z\d+.-]*:\/\/)[^\s"]*@/gi, "$1");
}
