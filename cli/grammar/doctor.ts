/**
 * How `doctor` is asked for.
 *
 * @module
 */
import { object } from "@optique/core/constructs";
import { map } from "@optique/core/modifiers";
import type { InferValue } from "@optique/core/parser";
import { command, option } from "@optique/core/primitives";
import { serverFlags } from "./serve.ts";
import { examples, prose, type Verb } from "./verb.ts";

const options = object({
  shaped: option("-J", "--json", { description: prose`Write one JSON object.` }),
  given: serverFlags,
});

/** The options of `doctor`. */
export type DoctorVerbOptions = InferValue<typeof options>;

export const doctorGrammar = command(
  "doctor",
  map(options, (given): Verb => async (context) => {
    const { doctor } = await import("../commands/doctor.ts");
    return await doctor(context, given);
  }),
  {
    brief: prose`Check all that a server needs around it.`,
    description: prose`A line for each thing: ok, warn or fail, and what to do. Of a folder: the
      runtime, the settings, the disk, its space and how fast it syncs, the owner, the clock, and the
      addresses; it takes the flags of serve. Of a URL: whether the server answers, is ready, and has
      this version. Changes nothing. Exits with 1 when something is in the way.`,
    usageLine: [{ type: "literal", value: "[-J] [OPTION OF serve …]" }],
    footer: examples(
      "seglog doctor",
      "seglog doctor --config /etc/seglog.yaml",
      "seglog --at http://127.0.0.1:8080 doctor",
      "seglog doctor -J | jq '.findings[] | select(.verdict != \"ok\")'",
    ),
  },
);
