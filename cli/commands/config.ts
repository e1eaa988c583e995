/**
 * `config`: what holds of every setting, what is wrong in a file of them, and what there is to set.
 *
 * @module
 */
import { exampleOfConfig } from "../config/example.ts";
import { describeProblem, examineConfigFile } from "../config/config_file.ts";
import { misspelledVariables, shownSettings } from "../config/held_settings.ts";
import { SETTING_NAMES } from "../config/settings.ts";
import { EXIT_OK, EXIT_USAGE } from "../exit.ts";
import type { ConfigCheckOptions, ConfigShowOptions } from "../grammar/config.ts";
import type { Context } from "../grammar/verb.ts";
import { heldByServe } from "../held_by_serve.ts";
import { writeSettings } from "../write_settings.ts";
import { countOf } from "../units.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Shows what a `serve` with these flags would take. */
export async function showConfig(context: Context, options: ConfigShowOptions): Promise<number> {
  const { output, io } = context;
  const held = heldByServe(context, options.given);
  for (const { name, meant } of misspelledVariables(io.env)) {
    output.note(`seglog: the variable ${name} is no setting; did you mean ${meant}?`);
  }
  const settings = shownSettings(held);
  if (!options.shaped) {
    await writeSettings(output, settings);
    return EXIT_OK;
  }
  const config = Object.fromEntries(settings.map(({ key, value }) => [key, value]));
  const sources = Object.fromEntries(
    [...SETTING_NAMES].map(([key, name]) => [key, held[name].source]),
  );
  await output.line(JSON.stringify({ version: JSON_VERSION, config, sources }));
  return EXIT_OK;
}

/** Says all that is wrong in a file. */
export async function checkConfig(
  { output }: Context,
  { path }: ConfigCheckOptions,
): Promise<number> {
  const { file, problems } = examineConfigFile(path);
  for (const problem of problems) output.note(describeProblem(path, problem));
  if (problems.length > 0) return EXIT_USAGE;
  await output.line(`${path} is right: ${countOf(file.entries.size, "setting")}`);
  return EXIT_OK;
}

/** Writes a file in which everything is explained. */
export async function exampleConfig({ output }: Context): Promise<number> {
  await output.write(exampleOfConfig());
  return EXIT_OK;
}
