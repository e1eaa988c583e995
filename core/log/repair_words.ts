/**
 * How damage that takes a repair is told: what is lost, and the command that gives it up.
 *
 * @module
 */
import type { OpenGap } from "./gaps.ts";

/** `Offset 3 cannot be read`, `Offsets 3 to 5, 9 and on cannot be read`, or that all can be. */
export function lostOffsets(lost: readonly OpenGap[]): string {
  if (lost.length === 0) return "All offsets can still be read";
  const isOne = lost.length === 1 && lost[0]!.end === lost[0]!.start + 1;
  return `${isOne ? "Offset" : "Offsets"} ${lost.map(words).join(", ")} cannot be read`;
}

/** What to do about it: restore what is damaged, or give it up. */
export function wayOn(folder: string, lost: readonly OpenGap[]): string {
  const command = repairCommand(folder, lost);
  const open = lost.find(({ end }) => end === undefined);
  const choice = open === undefined
    ? ""
    : `, where B is the offset to go on from: above ${open.start}, and above every offset that was ` +
      "ever handed out, for the end is not known";
  return `restore the file, or give up what cannot be read with \`${command}\`${choice}`;
}

/** The command that gives up exactly this, ready to be typed. */
export function repairCommand(folder: string, lost: readonly OpenGap[]): string {
  const command = `seglog repair ${shellWord(folder)}`;
  if (lost.length === 0) return command;
  const start = Math.min(...lost.map((range) => range.start));
  const isOpen = lost.some(({ end }) => end === undefined);
  const end = isOpen ? "B" : Math.max(...lost.map((range) => range.end!));
  return `${command} --accept-loss ${start}:${end}`;
}

function words({ start, end }: OpenGap): string {
  if (end === undefined) return `${start} and on`;
  return end === start + 1 ? `${start}` : `${start} to ${end - 1}`;
}

function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
