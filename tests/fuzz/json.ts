/** Changes to JSON values, and to what was parsed of a document whose checksum is right. */
import { encodeUtf8 } from "../../core/base/bytes.ts";
import { crc32 } from "../../core/base/crc32.ts";
import type { Random } from "../support/random.ts";
import { mutateBytes } from "./bytes.ts";

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const ODD: readonly Json[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.5, 63, 64, 1e21, -1e308, 2 ** 31, 2 ** 32, 2 ** 53],
  ...[2 ** 53 - 1, 2 ** 52, "", "0", "..", "../outside", "/", "a/b", "orders-0", "__proto__"],
  ..."\u0000 \ud800 😀".split(" "),
  "x".repeat(300),
  [],
  {},
  [[]],
  [null],
  { __proto__: null, length: 3 },
  { "__proto__": 1 } as unknown as Json,
];

/** The value with something different, anywhere in it. */
export function mutateJson(random: Random, value: Json): Json {
  const isLeaf = typeof value !== "object" || value === null || Object.keys(value).length === 0;
  if (isLeaf || random.chance(0.1)) return otherValue(random, value);
  if (Array.isArray(value)) return mutateArray(random, value);
  return mutateObject(random, value);
}

function otherValue(random: Random, value: Json): Json {
  if (typeof value !== "number" || random.chance(0.4)) return random.pick(ODD);
  return random.pick([value + 1, value - 1, value * 2, -value, value + 0.5, value + 2 ** 32]);
}

function mutateArray(random: Random, value: Json[]): Json[] {
  const at = random.below(value.length);
  switch (random.below(8)) {
    case 0:
      return value.toSpliced(at, 1);
    case 1:
      return value.toSpliced(random.below(value.length + 1), 0, value[at]!);
    case 2:
      return value.toReversed();
    case 3:
      return [...value, random.pick(ODD)];
    default:
      return value.with(at, mutateJson(random, value[at]!));
  }
}

function mutateObject(random: Random, value: { [name: string]: Json }): Json {
  const name = random.pick(Object.keys(value));
  const others = Object.entries(value).filter(([other]) => other !== name);
  switch (random.below(8)) {
    case 0:
      return Object.fromEntries(others);
    case 1:
      return { ...value, [random.pick(["unknown", "lost", "__proto__", ""])]: random.pick(ODD) };
    case 2: // a number of another member
      return { ...value, [name]: value[random.pick(Object.keys(value))]! };
    default:
      return { ...value, [name]: mutateJson(random, value[name]!) };
  }
}

const DOCUMENT = /^(\{"seglog":"[a-z]+","version":1,"crc32":")[0-9a-f]{8}(","body":)([^]*)\}\n$/;

/** A checked document with something different in its body, and mostly the right checksum. */
export function mutateDocument(random: Random, bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes);
  const [, start, middle, body] = DOCUMENT.exec(text) ?? [];
  if (body === undefined || random.chance(0.05)) return mutateBytes(random, bytes);
  const changed = random.chance(0.05) ? otherText(random, body) : otherBody(random, body);
  const crc = crc32(encodeUtf8(changed)).toString(16).padStart(8, "0");
  return encodeUtf8(`${start}${crc}${middle}${changed}}\n`);
}

/** To write such a body anew V8 has no stack, and the engine of Bun takes a second. */
const DEEP = /(?:\[|\{"a":){2000}/;

function otherBody(random: Random, body: string): string {
  if (DEEP.test(body)) return body;
  try {
    return JSON.stringify(mutateJson(random, JSON.parse(body)));
  } catch {
    return body; // not JSON any more
  }
}

/** JSON, or what is nearly JSON, that `JSON.stringify` would not write. */
function otherText(random: Random, body: string): string {
  const deep = 2000 + random.below(100_000);
  return random.pick([
    ` ${body} `,
    body.replace(/(\d+)/, "$1.0"),
    body.replace(/(\d+)/, "1e400"),
    body.replace("{", '{"epoch":-1,'),
    body.slice(0, random.below(body.length + 1)),
    "[".repeat(deep),
    "[".repeat(deep) + "]".repeat(deep),
    body.replace(
      /"[a-zA-Z]+":/,
      (name) => `${name}${'{"a":'.repeat(deep)}1${"}".repeat(deep)},"x":`,
    ),
    "",
    "undefined",
  ]);
}
