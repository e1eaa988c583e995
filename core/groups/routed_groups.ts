/**
 * The groups of topics that several processes serve: one of them coordinates, and all ask it.
 *
 * @module
 */
import { SeglogError } from "../base/errors.ts";
import type { Candidate, DutyRequestOptions, Election } from "../election_contract.ts";
import type {
  CommitRequest,
  GroupDetails,
  GroupOffset,
  Groups,
  GroupSummary,
  HeartbeatRequest,
  JoinRequest,
  MemberRequest,
  Membership,
  SeekRequest,
  SoughtOffset,
} from "../group_contract.ts";
import type { GroupCoordinator } from "./coordinator.ts";

/** What whoever coordinates groups is elected for. */
export const GROUPS_DUTY = "groups";

/** One method of groups, called in another process. */
type GroupCall =
  | { readonly call: "join"; readonly group: string; readonly request: JoinRequest }
  | { readonly call: "heartbeat"; readonly group: string; readonly request: HeartbeatRequest }
  | { readonly call: "leave"; readonly group: string; readonly request: MemberRequest }
  | { readonly call: "commit"; readonly group: string; readonly request: CommitRequest }
  | { readonly call: "seek"; readonly group: string; readonly request: SeekRequest }
  | { readonly call: "describe"; readonly group: string }
  | { readonly call: "remove"; readonly group: string; readonly force: boolean }
  | { readonly call: "list" };

/** What is told the same however often it is asked, and done once. */
const REPEATABLE: DutyRequestOptions = { repeatable: true };

/** Groups that whoever is elected coordinates. */
export class RoutedGroups implements Groups {
  readonly #election: Election;

  /** The groups of those who hold this election. */
  constructor(election: Election) {
    this.#election = election;
  }

  join(group: string, request: JoinRequest): Promise<Membership> {
    return this.#ask({ call: "join", group, request }, REPEATABLE);
  }

  heartbeat(
    group: string,
    { signal, ...request }: HeartbeatRequest,
  ): Promise<Membership> {
    const { waitMs = 0 } = request;
    const waiting = signal === undefined ? { waitMs } : { waitMs, signal };
    return this.#ask({ call: "heartbeat", group, request }, { ...REPEATABLE, ...waiting });
  }

  async leave(group: string, request: MemberRequest): Promise<void> {
    await this.#ask({ call: "leave", group, request }, REPEATABLE);
  }

  commit(group: string, request: CommitRequest): Promise<readonly GroupOffset[]> {
    return this.#ask({ call: "commit", group, request }, REPEATABLE);
  }

  list(): Promise<readonly GroupSummary[]> {
    return this.#ask({ call: "list" }, REPEATABLE);
  }

  describe(group: string): Promise<GroupDetails> {
    return this.#ask({ call: "describe", group }, REPEATABLE);
  }

  seek(group: string, request: SeekRequest): Promise<readonly SoughtOffset[]> {
    return this.#ask({ call: "seek", group, request });
  }

  async remove(group: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    await this.#ask({ call: "remove", group, force });
  }

  async #ask<Answer>(question: GroupCall, options?: DutyRequestOptions): Promise<Answer> {
    return await this.#election.request(GROUPS_DUTY, question, options) as Answer;
  }
}

/**
 * Stands for coordinating groups.
 *
 * @param open makes the coordinator when it is elected: it reads anew what was committed
 * @param onChange is told of it, and that it is none any more
 */
export function coordinatorCandidate(
  open: () => GroupCoordinator,
  onChange: (groups: GroupCoordinator | undefined) => void,
): Candidate {
  return {
    take() {
      const groups = open();
      onChange(groups);
      return {
        answer: async (question, signal) =>
          await answerCall(groups, question as GroupCall, signal) ?? null,
        async close() {
          onChange(undefined);
          await groups.close();
        },
      };
    },
  };
}

async function answerCall(
  groups: Groups,
  question: GroupCall,
  signal?: AbortSignal,
): Promise<unknown> {
  switch (question.call) {
    case "join":
      return await groups.join(question.group, question.request);
    case "heartbeat": {
      const { request } = question;
      const patient = signal === undefined ? request : { ...request, signal };
      return await groups.heartbeat(question.group, patient);
    }
    case "leave":
      return await groups.leave(question.group, question.request);
    case "commit":
      return await groups.commit(question.group, question.request);
    case "seek":
      return await groups.seek(question.group, question.request);
    case "describe":
      return await groups.describe(question.group);
    case "remove":
      return await groups.remove(question.group, { force: question.force });
    case "list":
      return await groups.list();
    default:
      throw new SeglogError(
        "unsupported",
        "Cannot do what another process asks of the groups: it is of another version",
      );
  }
}
