/**
 * A file of settings in which every setting is explained, and none is set.
 *
 * @module
 */
import { formatMessage } from "@optique/core/message";
import type { AnySetting } from "./setting.ts";
import { SETTINGS_BY_KEY, splitKey } from "./settings.ts";

const COLUMNS = 96;

const HEAD = `# Settings of seglog: seglog serve --config seglog.yaml
#
# What is commented out is what holds anyway, or an example where nothing does. A flag is stronger
# than a variable, a variable is stronger than this file: limits.body-bytes below is the flag
# --limits-body-bytes and the variable SEGLOG_LIMITS_BODY_BYTES. Sizes are bytes, or such as 64MiB;
# times are such as 200ms, 5m or 7d.
`;

/** The text of the file, in YAML. */
export function exampleOfConfig(): string {
  const lines: string[] = [];
  let section = "";
  for (const setting of SETTINGS_BY_KEY.values()) {
    const [own, name] = splitKey(setting.key);
    lines.push("");
    if (own !== section) lines.push(`#${own}:`);
    section = own;
    const indent = own === "" ? "" : "  ";
    lines.push(
      ...comment(setting, indent),
      `#${indent}${name}: ${valueOf(setting)}`,
    );
  }
  return `${HEAD}${lines.join("\n")}\n`;
}

function valueOf({ form, standard, example }: AnySetting): string {
  return form === "list" ? `[${standard}]` : standard ?? example ?? "";
}

/** With two marks, so that taking away the first of every line makes a file that says the same. */
function comment(setting: AnySetting, indent: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of formatMessage(setting.description).split(/\s+/)) {
    if (line !== "" && line.length + word.length >= COLUMNS) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].map((text) => `#${indent}# ${text}`);
}
