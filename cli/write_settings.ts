/**
 * Settings as rows: of a server that is to be started, and of one that runs.
 *
 * @module
 */
import type { ShownSetting } from "../server/exchange.ts";
import type { Output } from "./output.ts";
import { writeRows } from "./table.ts";

/** Writes each setting with what holds of it, and who said so. */
export async function writeSettings(
  output: Output,
  settings: readonly ShownSetting[],
): Promise<void> {
  await writeRows(output, {
    headings: ["SETTING", "VALUE", "FROM"],
    rows: settings.map(({ key, value, from }) => [key, value, from]),
  });
}
