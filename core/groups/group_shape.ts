/**
 * A group as JSON, both ways: times are ISO 8601 there, as of records.
 *
 * @module
 */
import type { GroupDetails, GroupMember, GroupPartition } from "../group_contract.ts";

/** A group as `JSON.stringify` takes it. */
export type ShapedGroup = Omit<GroupDetails, "members" | "partitions"> & {
  readonly members: readonly (Omit<GroupMember, "expiresAt"> & { readonly expiresAt: string })[];
  readonly partitions: readonly (Omit<GroupPartition, "committedAt"> & {
    readonly committedAt: string | null;
  })[];
};

/** Writes the times of a group. */
export function shapeGroup({ members, partitions, ...group }: GroupDetails): ShapedGroup {
  return {
    ...group,
    members: members.map((member) => ({ ...member, expiresAt: shown(member.expiresAt) })),
    partitions: partitions.map((partition) => ({
      ...partition,
      committedAt: partition.committedAt === null ? null : shown(partition.committedAt),
    })),
  };
}

/** Reads them. */
export function parseGroup({ members, partitions, ...group }: ShapedGroup): GroupDetails {
  return {
    ...group,
    members: members.map((member) => ({ ...member, expiresAt: Date.parse(member.expiresAt) })),
    partitions: partitions.map((partition) => ({
      ...partition,
      committedAt: partition.committedAt === null ? null : Date.parse(partition.committedAt),
    })),
  };
}

function shown(ms: number): string {
  return new Date(ms).toISOString();
}
