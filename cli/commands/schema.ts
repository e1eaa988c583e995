/**
 * `schema add`, `ls`, `show`, `check` and `rm`.
 *
 * @module
 */
import { statSync } from "node:fs";
import { decodeUtf8 } from "../../core/base/bytes.ts";
import { messageOf } from "../../core/base/errors.ts";
import type { LookBack } from "../../server/schemas/check_records.ts";
import { openInput, wholeInput } from "../append/input.ts";
import { confirmed } from "../confirm.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type {
  SchemaAddOptions,
  SchemaCheckOptions,
  SchemaLsOptions,
  SchemaRmOptions,
  SchemaShowOptions,
} from "../grammar/schema.ts";
import type { Context } from "../grammar/verb.ts";
import type { Output } from "../output.ts";
import { openSchemaDesk } from "../schema_desk.ts";
import { writeRows } from "../table.ts";
import { countOf } from "../units.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

/** Registers a schema, and prints the number of its version. */
export async function addSchema(context: Context, options: SchemaAddOptions): Promise<number> {
  const { topic, file, compatibility, shaped } = options;
  const { output } = context;
  const schema = await schemaIn(context, file);
  await using desk = await openSchemaDesk(context, "make");
  const registered = await desk.register(topic, { schema, compatibility });
  const { version, isNew } = registered;
  await output.line(shaped ? shapedLine(registered) : String(version));
  output.note(
    isNew
      ? `seglog: version ${version} of the schema of "${topic}", ${registered.compatibility}`
      : `seglog: it is version ${version} of the schema of "${topic}" already`,
  );
  return EXIT_OK;
}

/** Lists topics that have a schema. */
export async function listSchemas(context: Context, { shaped }: SchemaLsOptions): Promise<number> {
  const { output } = context;
  await using desk = await openSchemaDesk(context, "read");
  const schemas = await desk.list();
  if (shaped) {
    for (const each of schemas) await output.line(shapedLine(each));
  } else if (schemas.length === 0) output.note(`seglog: no topic of ${context.at} has a schema`);
  else {
    await writeRows(output, {
      headings: ["TOPIC", "VERSION", "COMPATIBILITY", "REGISTERED"],
      numeric: [1],
      rows: schemas.map(({ topic, version, compatibility, versions }) => [
        topic,
        String(version),
        compatibility,
        versions.at(-1)!.registeredAt,
      ]),
    });
  }
  return EXIT_OK;
}

/** Prints a schema, indented where people read it. */
export async function showSchema(context: Context, options: SchemaShowOptions): Promise<number> {
  const { topic, version, shaped } = options;
  await using desk = await openSchemaDesk(context, "read");
  const shown = await desk.show(topic, version);
  await context.output.line(
    shaped ? shapedLine(shown) : JSON.stringify(shown.schema, undefined, 2),
  );
  return EXIT_OK;
}

/** Says what would come of a registration. */
export async function checkSchema(context: Context, options: SchemaCheckOptions): Promise<number> {
  const { topic, file, compatibility, records, shaped } = options;
  const { output } = context;
  const schema = await schemaIn(context, file);
  await using desk = await openSchemaDesk(context, "read");
  const verdict = await desk.check(topic, { schema, compatibility, records });
  if (shaped) await output.line(shapedLine(verdict));
  else {
    const { version, compatible, reason } = verdict;
    await output.line(
      compatible
        ? `it can be version ${version}, ${verdict.compatibility} compatible`
        : `it is not ${verdict.compatibility} compatible: ${reason}`,
    );
    if (verdict.records !== null) await writeLookBack(output, verdict.records);
  }
  const areValid = verdict.records === null || verdict.records.invalid === 0;
  return verdict.compatible && areValid ? EXIT_OK : EXIT_ERROR;
}

/** Removes the schema of a topic, asking first unless told not to. */
export async function removeSchema(context: Context, options: SchemaRmOptions): Promise<number> {
  const { topic, yes } = options;
  const { output } = context;
  await using desk = await openSchemaDesk(context, "change");
  const { versions } = await desk.describe(topic);
  const question = `Remove the schema of "${topic}", ${countOf(versions.length, "version")}?`;
  if (!yes && !await confirmed(context, question)) {
    output.note("seglog: nothing was removed");
    return EXIT_ERROR;
  }
  await desk.remove(topic);
  output.note(`seglog: removed the schema of "${topic}": its records are not checked any more`);
  return EXIT_OK;
}

async function writeLookBack(
  output: Output,
  { checked, invalid, newest }: LookBack,
): Promise<void> {
  const looked = countOf(checked, "record");
  if (newest === null) return await output.line(`${looked} fit`);
  const { partition, offset, path, reason } = newest;
  const where = path === "" ? "" : ` at ${path}`;
  await output.line(
    `${invalid} of ${looked} ${
      invalid === 1 ? "does" : "do"
    } not fit, the newest at offset ${offset} of partition ${partition}${where}: ${reason}`,
  );
}

/** One line of JSON: `version` is that of the line, as in all of them. */
function shapedLine({ version, ...rest }: { readonly version: number }): string {
  return JSON.stringify({ version: JSON_VERSION, schemaVersion: version, ...rest });
}

/** The JSON in a file, or on standard input. @throws {UsageError} when it is none */
async function schemaIn(context: Context, file: string): Promise<unknown> {
  if (file !== "-" && statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${file} is a folder: give a file with a JSON Schema`);
  }
  const { stream } = openInput(context, file);
  const bytes = await wholeInput(stream);
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch (error) {
    throw new UsageError(
      `${file === "-" ? "standard input" : file} is no JSON: ${messageOf(error)}`,
    );
  }
}
