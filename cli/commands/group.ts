/**
 * `group ls`, `lag`, `seek` and `rm`.
 *
 * @module
 */
import type { Groups } from "../../core/group_contract.ts";
import { shapeGroup } from "../../core/groups/group_shape.ts";
import { holdGroups } from "../../core/groups/shared_groups.ts";
import { confirmed } from "../confirm.ts";
import { openToChange, openToRead } from "../connect.ts";
import { EXIT_ERROR, EXIT_OK } from "../exit.ts";
import type {
  GroupLagOptions,
  GroupLsOptions,
  GroupRmOptions,
  GroupSeekOptions,
} from "../grammar/group.ts";
import type { Context } from "../grammar/verb.ts";
import { writeRows } from "../table.ts";
import { countOf, formatCount } from "../units.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;
/** Where there is nothing to show. */
const NONE = "-";

/** Lists the groups. */
export async function listGroups(context: Context, { shaped }: GroupLsOptions): Promise<number> {
  const { output } = context;
  return await reading(context, async (groups) => {
    const all = await groups.list();
    if (shaped) {
      for (const group of all) {
        await output.line(JSON.stringify({ version: JSON_VERSION, ...group }));
      }
    } else if (!output.isTerminal) {
      for (const { group } of all) await output.line(group);
    } else if (all.length === 0) output.note(`seglog: ${context.at} has no groups`);
    else {
      await writeRows(output, {
        headings: ["GROUP", "STATE", "MEMBERS", "LAG", "TOPICS"],
        numeric: [2, 3],
        rows: all.map(({ group, state, members, lag, topics }) => [
          group,
          state,
          state === "unknown" ? NONE : formatCount(members),
          formatCount(lag),
          topics.join(", "),
        ]),
      });
    }
    return EXIT_OK;
  });
}

/** Shows where a group is, and how much is left. */
export async function groupLag(context: Context, options: GroupLagOptions): Promise<number> {
  const { output } = context;
  return await reading(context, async (groups) => {
    const details = await groups.describe(options.group);
    if (options.shaped) {
      await output.line(JSON.stringify({ version: JSON_VERSION, ...shapeGroup(details) }));
      return EXIT_OK;
    }
    const show = output.isTerminal ? formatCount : String;
    await writeRows(output, {
      headings: ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"],
      numeric: [1, 2, 3, 4],
      rows: details.partitions.map(({ topic, partition, committed, nextOffset, lag, member }) => [
        topic,
        show(partition),
        committed === null ? NONE : show(committed),
        show(nextOffset),
        show(lag),
        member ?? NONE,
      ]),
    });
    if (output.isTerminal && details.state === "unknown") {
      output.note("seglog: who the members are is known to the owner of the folder only");
    }
    return EXIT_OK;
  });
}

/** Moves a group, and says from where to where. */
export async function seekGroup(context: Context, options: GroupSeekOptions): Promise<number> {
  const { output } = context;
  const { group, topic, to, partition, force, shaped } = options;
  return await changing(context, async (groups) => {
    const offsets = await groups.seek(group, {
      topic,
      to,
      force,
      ...partition === undefined ? {} : { partition },
    });
    if (shaped) {
      for (const moved of offsets) {
        await output.line(JSON.stringify({ version: JSON_VERSION, group, ...moved }));
      }
      return EXIT_OK;
    }
    const show = output.isTerminal ? formatCount : String;
    await writeRows(output, {
      headings: ["TOPIC", "PARTITION", "BEFORE", "OFFSET"],
      numeric: [1, 2, 3],
      rows: offsets.map((moved) => [
        moved.topic,
        show(moved.partition),
        moved.before === null ? NONE : show(moved.before),
        show(moved.offset),
      ]),
    });
    return EXIT_OK;
  });
}

/** Forgets a group, asking first unless told not to. */
export async function removeGroup(context: Context, options: GroupRmOptions): Promise<number> {
  const { output } = context;
  const { group, force, yes } = options;
  return await changing(context, async (groups) => {
    const { partitions } = await groups.describe(group);
    const what = `"${group}" with ${countOf(partitions.length, "committed offset")}`;
    if (!yes && !await confirmed(context, `Forget the group ${what}?`)) {
      output.note("seglog: nothing was removed");
      return EXIT_ERROR;
    }
    await groups.remove(group, { force });
    output.note(`seglog: removed the group ${what}`);
    return EXIT_OK;
  });
}

async function reading(
  context: Context,
  run: (groups: Groups) => Promise<number>,
): Promise<number> {
  await using backend = await openToRead(context);
  await using held = holdGroups(backend);
  return await run(held.groups);
}

async function changing(
  context: Context,
  run: (groups: Groups) => Promise<number>,
): Promise<number> {
  await using backend = await openToChange(context);
  await using held = holdGroups(backend);
  return await run(held.groups);
}
