/**
 * A file of settings: YAML, sections and scalars. What a scalar says is read as written, by the parser
 * that reads the flag, so that `64MiB` or `5m` mean the same in both.
 *
 * @module
 */
import * as fs from "node:fs";
import { findSimilar } from "@optique/core/suggestion";
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { decodeUtf8, isValidUtf8 } from "../../core/base/bytes.ts";
import { messageOf } from "../../core/base/errors.ts";
import { UsageError } from "../exit.ts";
import { formatSize } from "../units.ts";
import { readValue } from "./read_value.ts";
import { SETTINGS_BY_KEY } from "./settings.ts";

/** Largest file that is read. */
const CONFIG_BYTES_MAX = 256 * 1024;
/** Problems that are told of one file: to mend the first ones mends many others. */
const PROBLEMS_MAX = 20;

/** What a file says, by the keys of settings. */
export interface ConfigFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
}

/** One setting in a file. */
export interface ConfigEntry {
  /** As it is written. */
  readonly text: string;
  readonly value: unknown;
  readonly line: number;
}

/** What is wrong in a file, and where. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** Reads a file that has to be right. @throws {UsageError} with the place of what is wrong first */
export function readConfigFile(path: string): ConfigFile {
  const { file, problems } = examineConfigFile(path);
  const [first, ...others] = problems;
  if (first === undefined) return file;
  const more = others.length === 0 ? "" : `; it has more problems: seglog config check ${path}`;
  throw new UsageError(`${describeProblem(path, first)}${more}`);
}

/** `seglog.yaml:3:5: …` */
export function describeProblem(path: string, { line, column, reason }: ConfigProblem): string {
  return `${path}:${line}:${column}: ${reason}`;
}

/** Reads a file with all that is wrong in it. @throws {UsageError} when it cannot be read at all */
export function examineConfigFile(
  path: string,
): { readonly file: ConfigFile; readonly problems: readonly ConfigProblem[] } {
  const reading = new ConfigReading(readText(path));
  return { file: { path, entries: reading.entries }, problems: reading.problems };
}

function readText(path: string): string {
  let bytes: Uint8Array;
  try {
    const stats = fs.statSync(path);
    if (!stats.isFile()) throw new UsageError(`cannot read the settings in ${path}: it is no file`);
    if (stats.size > CONFIG_BYTES_MAX) {
      const most = formatSize(CONFIG_BYTES_MAX);
      throw new UsageError(`cannot read the settings in ${path}: it is larger than ${most}`);
    }
    bytes = fs.readFileSync(path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const isMissing = !fs.existsSync(path);
    const why = isMissing ? "there is no such file" : messageOf(error);
    throw new UsageError(`cannot read the settings in ${path}: ${why}`);
  }
  if (isValidUtf8(bytes)) return decodeUtf8(bytes);
  throw new UsageError(`cannot read the settings in ${path}: it is not UTF-8`);
}

/** One walk through a document, which gathers what it says and what is wrong. */
class ConfigReading {
  readonly entries = new Map<string, ConfigEntry>();
  readonly problems: ConfigProblem[] = [];
  readonly #lines = new LineCounter();
  readonly #resolve: (node: unknown) => unknown;

  constructor(text: string) {
    const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    // A name for a value that stands elsewhere is followed only where a setting is expected, so that
    // names for names cost no more than what they stand for.
    this.#resolve = (node) => isAlias(node) ? node.resolve(document) : node;
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.#complain(pos[0], lowerFirst(message.replace(/\s*\n[\s\S]*$/, "")));
    }
    if (this.problems.length > 0 || document.contents === null) return;
    if (isMap(document.contents)) this.#section(document.contents, "");
    else if (!isEmpty(document.contents)) {
      this.#complain(startOf(document.contents), "expected settings, such as http: 127.0.0.1:8080");
    }
  }

  #section(section: YAMLMap, prefix: string): void {
    for (const { key: keyNode, value } of section.items) {
      const at = startOf(keyNode) ?? startOf(section);
      const word = isScalar(keyNode) ? String(keyNode.value) : undefined;
      if (word === undefined) {
        this.#complain(at, "expected the name of a setting");
        continue;
      }
      const key = `${prefix}${word}`;
      const node = this.#resolve(value);
      if (SETTINGS_BY_KEY.has(key)) this.#setting(key, { at, node });
      else if (!isSection(key)) this.#complain(at, unknownKey(key));
      else if (isMap(node)) this.#section(node, `${key}.`);
      else if (!isEmpty(node)) {
        this.#complain(startOf(node) ?? at, `${quoted(key)} is a section: it takes settings`);
      }
    }
  }

  #setting(key: string, { at, node }: { at: number | undefined; node: unknown }): void {
    const place = startOf(node) ?? at;
    if (isEmpty(node)) {
      this.#complain(at, `${quoted(key)} has no value: give it one, or leave it out`);
    } else if (isSeq(node) && SETTINGS_BY_KEY.get(key)!.form === "list") {
      this.#list(key, { at, node });
    } else if (!isScalar(node)) {
      this.#complain(place, `${quoted(key)} takes one value`);
    } else if (this.entries.has(key)) {
      this.#complain(at, `${quoted(key)} is there twice`);
    } else {
      this.#say(key, { at, text: textOf(node), place });
    }
  }

  /** Its items are read as they would be with commas between them. */
  #list(key: string, { at, node }: { at: number | undefined; node: YAMLSeq }): void {
    const items = node.items.map((item) => this.#resolve(item));
    const strange = items.find((item) => !isScalar(item) || isEmpty(item));
    if (strange !== undefined || this.entries.has(key)) {
      const reason = strange === undefined ? "is there twice" : "takes a list of single values";
      this.#complain(startOf(strange) ?? at, `${quoted(key)} ${reason}`);
    } else {
      const text = (items as Scalar[]).map(textOf).join(",");
      this.#say(key, { at, text, place: startOf(node) });
    }
  }

  #say(
    key: string,
    { at, text, place }: { at: number | undefined; text: string; place: number | undefined },
  ): void {
    const read = readValue(SETTINGS_BY_KEY.get(key)!, text);
    if (read.success) {
      this.entries.set(key, { text, value: read.value, line: this.#placeOf(at).line });
    } else this.#complain(place, `${quoted(key)}: ${read.reason}`);
  }

  #complain(position: number | undefined, reason: string): void {
    if (this.problems.length === PROBLEMS_MAX) return;
    this.problems.push({ ...this.#placeOf(position), reason });
  }

  #placeOf(position: number | undefined): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(position ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** As it is written, quotes and their escapes apart. */
function textOf({ value, source }: Scalar): string {
  return typeof value === "string" ? value : source ?? String(value);
}

function isSection(key: string): boolean {
  return [...SETTINGS_BY_KEY.keys()].some((known) => known.startsWith(`${key}.`));
}

/** Nothing, or a scalar that says so; quotes make an empty text of it, which is a value. */
function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

function unknownKey(key: string): string {
  const [nearest] = findSimilar(key, SETTINGS_BY_KEY.keys(), {
    maxDistance: 3,
    maxDistanceRatio: 0.5,
  });
  const hint = nearest === undefined
    ? "seglog config example shows all"
    : `did you mean ${quoted(nearest)}?`;
  return `${quoted(key.slice(0, 100))} is no setting; ${hint}`;
}

function quoted(key: string): string {
  return JSON.stringify(key);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
