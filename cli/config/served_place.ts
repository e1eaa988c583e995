/**
 * What a server serves: a folder, or what is somewhere else by way of a copy in a folder.
 *
 * @module
 */
import { resolve } from "node:path";
import { isUrl, placeOf } from "../connect.ts";
import { UsageError } from "../exit.ts";
import { type HeldSettings, strengthOf } from "./held_settings.ts";

/** Where it is. */
export interface ServedPlace {
  /** The folder of the store, or of the copy. */
  readonly folder: string;
  /** The URL of what is copied, and written to; nothing where the folder is served itself. */
  readonly source: string | undefined;
}

/**
 * A node is asked for by `at` with a URL and `data` with a folder, both said. Where the folder is said
 * more strongly, as by a flag beside a variable for all verbs, and that names a server, the folder is
 * what is served: that server, as a rule. A cluster is never what is to be started.
 *
 * @throws {UsageError} where no folder is, or two are
 */
export function servedPlace({ at, data }: HeldSettings): ServedPlace {
  if (isUrl(data.value)) {
    throw new UsageError(
      `serve needs a folder, and ${data.value} is ${placeOf(data.value)}: give --data DIR`,
    );
  }
  const folder = data.value;
  const areBothFlags = at.source.kind === "flag" && data.source.kind === "flag";
  if (areBothFlags && !isUrl(at.value) && resolve(at.value) !== resolve(folder)) {
    throw new UsageError(
      `serve can serve ${folder} or ${at.value}, and not both: give one of --at and --data; for a ` +
        "copy of a server or a cluster, --at is its URL",
    );
  }
  const isSaid = isUrl(at.value) &&
    (placeOf(at.value) === "a cluster" || strengthOf(at) >= strengthOf(data));
  if (!isSaid) return { folder, source: undefined };
  if (data.source.kind !== "standard") return { folder, source: at.value };
  throw new UsageError(
    `serve needs a folder for its copy of what is at ${at.value}: give --data DIR`,
  );
}
