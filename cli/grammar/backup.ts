/**
 * How `backup` and `restore` are asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map, optional } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { argument, command, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { path } from "@optique/run/valueparser";
import { examples, prose, type Verb } from "./verb.ts";

const shaped = option("-J", "--json", { description: prose`Write one JSON object.` });

const backupOptions = object({
  folder: argument(path({ metavar: "FOLDER" }), {
    description: prose`Where the snapshots are: each is a folder in it, named by its time.`,
  }),
  list: option("--list", { description: prose`List the snapshots, and make none.` }),
  shaped,
});

/** The options of `backup`. */
export type BackupVerbOptions = InferValue<typeof backupOptions>;

export const backupGrammar = command(
  "backup",
  map(backupOptions, (given): Verb => async (context) => {
    const { backup } = await import("../commands/backup.ts");
    return await backup(context, given);
  }),
  {
    brief: prose`Take a snapshot of a store or a cluster, also while it is written to.`,
    description: prose`Prints the folder of the snapshot, which is a store that can be read where it
      is. Segments that the snapshot before has are linked, not copied. What is copied is checked;
      damage is copied as it is, and the exit code is 5. From a URL it fetches what came since the
      snapshot before; a server with credentials wants those of an operator for that.`,
    footer: examples(
      "seglog backup /backups",
      "seglog --at /srv/data backup /backups -J",
      "seglog --at nats://127.0.0.1:4222 backup /backups",
      "seglog backup --list /backups",
      "seglog --at /backups/20261125T010634.123Z read orders",
    ),
  },
);

const restoreOptions = object({
  source: argument(path({ metavar: "SOURCE" }), {
    description: prose`A snapshot, or a folder of several: then it is the newest.`,
  }),
  target: argument(path({ metavar: "TARGET" }), {
    description: prose`Where the store will be: a folder that is empty, or not there yet; or the URL
      of a cluster that has nothing yet, or what the same restore has left there.`,
  }),
  snapshot: optional(option("--snapshot", string({ metavar: "NAME" }), {
    description: prose`This one of the snapshots in SOURCE.`,
  })),
  shaped,
});

/** The options of `restore`. */
export type RestoreVerbOptions = InferValue<typeof restoreOptions>;

export const restoreGrammar = command(
  "restore",
  map(restoreOptions, (given): Verb => async (context) => {
    const { restore } = await import("../commands/restore.ts");
    return await restore(context, given);
  }),
  {
    brief: prose`Make a store from a snapshot, or fill a cluster, and verify it.`,
    description: prose`Everything is copied, then read and checked; the exit code is 5 when it is
      damaged. In a cluster, every record is compared; a restore that was cut short there is gone on
      with by the same command.`,
    footer: examples(
      "seglog restore /backups ./data",
      "seglog restore /backups/20261125T010634.123Z ./data",
      "seglog restore /backups ./data --snapshot 20261125T010634.123Z",
      "seglog restore /backups 'nats://127.0.0.1:4222/?prefix=seglog&replicas=3'",
    ),
  },
);
