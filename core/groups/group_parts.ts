/**
 * A group while something is done with it.
 *
 * @module
 */
import type { Backend } from "../backend.ts";
import type { Clock } from "../base/clock.ts";
import type { CommittedOffsets } from "./committed_offsets.ts";
import type { GroupState } from "./group_state.ts";

/** What is done with a group is done with these. */
export interface GroupParts {
  readonly name: string;
  readonly state: GroupState;
  readonly offsets: CommittedOffsets;
  readonly backend: Backend;
  readonly clock: Clock;
}
