/**
 * What a call wants to be there before it is answered.
 *
 * @module
 */
import { WAIT_MS_MAX } from "../limits.ts";
import type { WantedOffset, WantedRevision } from "../min_offset.ts";
import type { Waiting } from "../waiting.ts";
import type { Call } from "./call.ts";
import type { ConsumeRequest } from "./generated/seglog/v1/log_service_pb.js";
import type { KvGetRequest } from "./generated/seglog/v1/kv_service_pb.js";
import { invalidMember, whole } from "./messages.ts";

/** The offset that the end has to pass. @throws {SeglogError} `invalid-argument` */
export function wantedOffset(
  { minOffset, minOffsetWaitMs }: Pick<ConsumeRequest, "minOffset" | "minOffsetWaitMs">,
): WantedOffset {
  checkWait(minOffsetWaitMs, "min_offset_wait_ms");
  if (minOffset === undefined) return undefined;
  const offset = whole(minOffset, "min_offset");
  return { minOffset: offset, ...minOffsetWaitMs === undefined ? {} : { minOffsetWaitMs } };
}

/** The revision that a bucket has to show. @throws {SeglogError} likewise */
export function wantedRevision(
  { minRevision, minRevisionWaitMs }: Pick<KvGetRequest, "minRevision" | "minRevisionWaitMs">,
): WantedRevision {
  checkWait(minRevisionWaitMs, "min_revision_wait_ms");
  if (minRevision === undefined) return undefined;
  const revision = whole(minRevision, "min_revision");
  const waitMs = minRevisionWaitMs === undefined ? {} : { minOffsetWaitMs: minRevisionWaitMs };
  return { minRevision: revision, ...waitMs };
}

/** Who waits. */
export function waitingOf({ services, visitor, signal }: Call): Waiting {
  return { services, visitor, request: { signal } };
}

function checkWait(waitMs: number | undefined, member: string): void {
  if (waitMs === undefined || waitMs <= WAIT_MS_MAX) return;
  throw invalidMember(member, `is ${waitMs}, and ${WAIT_MS_MAX} is the most`);
}
