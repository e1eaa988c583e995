/**
 * Consumer groups that a server coordinates.
 *
 * @module
 */
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
} from "../core/group_contract.ts";
import { checkGroupName } from "../core/groups/group_checks.ts";
import { parseGroup, type ShapedGroup } from "../core/groups/group_shape.ts";
import type { ServerApi } from "./server_api.ts";
import { nameSegment } from "./topic_path.ts";

/** Largest answer: all groups, or one of many members and partitions. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Groups on a server. On whose behalf a member joins, its credentials say. */
export class HttpGroups implements Groups {
  readonly #api: ServerApi;

  /** The groups of the server behind this API; `connect` makes it. */
  constructor(api: ServerApi) {
    this.#api = api;
  }

  async join(group: string, request: JoinRequest): Promise<Membership> {
    const { member, topics, from, leaseMs, handoverMs } = request;
    const body = { member, topics, from, leaseMs, handoverMs };
    return await this.#api.ask(`${pathOf(group)}/join`, body, { bytesMax: ANSWER_BYTES_MAX });
  }

  async heartbeat(group: string, request: HeartbeatRequest): Promise<Membership> {
    const { member, generation, holds, waitMs = 0, signal } = request;
    return await this.#api.ask(
      `${pathOf(group)}/heartbeat`,
      { member, generation, holds, waitMs },
      {
        waitMs,
        bytesMax: ANSWER_BYTES_MAX,
        ...signal === undefined ? {} : { signal },
      },
    );
  }

  async leave(group: string, { member }: MemberRequest): Promise<void> {
    await this.#api.post(`${pathOf(group)}/leave`, { member });
  }

  /** Sent again where the answer was lost: what is committed twice is committed once. */
  async commit(group: string, request: CommitRequest): Promise<readonly GroupOffset[]> {
    const { member, offsets } = request;
    const answer = await this.#api.ask<{ offsets: GroupOffset[] }>(`${pathOf(group)}/commit`, {
      member,
      offsets,
    });
    return answer.offsets;
  }

  async list(): Promise<readonly GroupSummary[]> {
    const options = { bytesMax: ANSWER_BYTES_MAX };
    return (await this.#api.get<{ groups: GroupSummary[] }>("/v1/groups", options)).groups;
  }

  async describe(group: string): Promise<GroupDetails> {
    const options = { bytesMax: ANSWER_BYTES_MAX };
    return parseGroup(await this.#api.get<ShapedGroup>(pathOf(group), options));
  }

  async seek(group: string, request: SeekRequest): Promise<readonly SoughtOffset[]> {
    const { topic, partition, to, force } = request;
    const body = { topic, partition, to, force };
    const answer = await this.#api.post<{ offsets: SoughtOffset[] }>(
      `${pathOf(group)}/seek`,
      body,
    );
    return answer.offsets;
  }

  async remove(group: string, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    await this.#api.delete(`${pathOf(group)}${force ? "?force=true" : ""}`);
  }
}

/** The name of a group is written as that of a topic. */
function pathOf(group: string): string {
  return `/v1/groups/${nameSegment(checkGroupName(group))}`;
}
