/**
 * Checks a catalogue whose checksum is right: everything that the store relies on has to be true of
 * it, or it is not believed.
 *
 * @module
 */
import { flag, list, members, orAbsent, type Shape, text, whole } from "../base/shape.ts";
import { complaintAboutName } from "../format/file_names.ts";
import { type SettingCheck } from "../format/log_settings.ts";
import { TOPIC_SETTING_CHECKS } from "../topic_config.ts";
import type { Catalogue } from "./catalogue.ts";

/** A folder of a partition. What is named so is removed: no other folder may be. */
const FOLDER = /^(?!\.)[a-z0-9._~%A-F-]+-\d+$/;

const CATALOGUE: Shape = members({
  topics: list(members({
    name: (value, name) =>
      said(name, typeof value === "string" ? complaintAboutName(value) : "it is no text"),
    id: text(/^[0-9a-f]{32}$/),
    config: members(shapesOf(TOPIC_SETTING_CHECKS)),
  })),
  dropping: list(text(FOLDER)),
  epoch: orAbsent(whole(1)),
  follows: orAbsent(
    members({ source: text(/^[^]+$/), epoch: whole(1), wasWhole: orAbsent(flag()) }),
  ),
});

/** In words, the first thing that cannot be true of a catalogue; `undefined` when all of it can. */
export function complaintAboutCatalogue(body: unknown): string | undefined {
  const complaint = CATALOGUE(body, "its body");
  if (complaint !== undefined) return complaint;
  const { topics } = body as Catalogue;
  const isUnique = (["name", "id"] as const).every((member) =>
    new Set(topics.map((topic) => topic[member])).size === topics.length
  );
  return isUnique ? undefined : "it has a topic twice";
}

function shapesOf(checks: Readonly<Record<string, SettingCheck>>): Record<string, Shape> {
  return Object.fromEntries(
    Object.entries(checks).map(([setting, check]): [string, Shape] => [
      setting,
      (value, name) => said(name, check(value)),
    ]),
  );
}

function said(name: string, complaint: string | undefined): string | undefined {
  return complaint === undefined ? undefined : `of ${name}: ${complaint}`;
}
