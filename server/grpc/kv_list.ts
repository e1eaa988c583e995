/**
 * One page of keys in order.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type KvSnapshot, rangeOf } from "../../core/kv/kv_snapshot.ts";
import { demand } from "../access/principal.ts";
import { keysOf, rangeBehind } from "../kv_list.ts";
import { entriesOf, momentOf } from "../kv_read.ts";
import { KV_PAGE_KEYS_DEFAULT, KV_PAGE_KEYS_MAX, PAGE_BYTES_MAX } from "../limits.ts";
import { waitForRevision } from "../min_offset.ts";
import type { TenantServices } from "../tenant_services.ts";
import type { Call } from "./call.ts";
import type { KvEntrySchema, KvListRequest } from "./generated/seglog/v1/kv_service_pb.js";
import { entryMessage, revisionMember } from "./kv_messages.ts";
import { invalidMember, named } from "./messages.ts";
import { waitingOf, wantedRevision } from "./min_offset.ts";

type EntryMessage = MessageInitShape<typeof KvEntrySchema>;

/** At most `limit` keys, fewer where their values are large; `next` is there where more are. */
export async function kvList(request: KvListRequest, call: Call) {
  const { services, visitor } = call;
  const bucket = named(request.bucket, "bucket");
  demand(visitor.principal, "consume", bucket);
  if (request.limit > KV_PAGE_KEYS_MAX) {
    throw invalidMember("limit", `is ${request.limit}, and ${KV_PAGE_KEYS_MAX} is the most`);
  }
  const limit = request.limit || KV_PAGE_KEYS_DEFAULT;
  const { reverse, prefix, after, start, end } = request;
  const options = { ...rangeBehind({ reverse, prefix, after, start, end }), limit: limit + 1 };
  rangeOf(options); // says what is wrong with them before anything is opened
  const place = { bucket, snapshot: undefined };
  await waitForRevision(waitingOf(call), place, wantedRevision(request));
  const { snapshot, release } = await momentOf(visitor, place);
  const entries: EntryMessage[] = [];
  let bytes = 0;
  let next: string | undefined;
  try {
    const found = request.keysOnly
      ? bare(snapshot, options)
      : full(visitor.tenant, snapshot, options);
    for await (const { entry, size } of found) {
      if (entries.length === limit || (entries.length > 0 && bytes + size > PAGE_BYTES_MAX)) {
        next = entries.at(-1)!.key!;
        break;
      }
      entries.push(entry);
      bytes += size;
    }
  } finally {
    release();
  }
  services.metrics.sent(request.keysOnly ? 0 : entries.length);
  return {
    entries,
    ...revisionMember(snapshot.revision),
    ...next === undefined ? {} : { next },
  };
}

interface Found {
  readonly entry: EntryMessage;
  readonly size: number;
}

async function* full(
  tenant: TenantServices,
  snapshot: KvSnapshot,
  options: object,
): AsyncGenerator<Found> {
  for await (const entry of entriesOf(tenant, snapshot, options)) {
    yield { entry: entryMessage(entry), size: entry.value.length + entry.key.length };
  }
}

function* bare(snapshot: KvSnapshot, options: object): Generator<Found> {
  for (const { key, revision } of keysOf(snapshot, options)) {
    yield { entry: { key, revision: BigInt(revision) }, size: key.length };
  }
}
