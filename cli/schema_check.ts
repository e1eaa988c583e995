/**
 * Records that are appended to a folder are checked as a server would check them.
 *
 * @module
 */
import type { Backend } from "../core/backend.ts";
import { systemClock } from "../core/base/clock.ts";
import { isNotFound } from "../core/base/errors.ts";
import { INTERNAL_PREFIX } from "../core/format/file_names.ts";

/** Where schemas are kept: a folder without this topic has none, and nothing more is loaded. */
const SCHEMAS_TOPIC = `${INTERNAL_PREFIX}schemas`;

/** The store with the checks of its schemas before it, where there are any. */
export async function openChecked(
  store: Backend,
  notice: (text: string) => void,
): Promise<Backend> {
  try {
    await store.bounds(SCHEMAS_TOPIC);
  } catch (error) {
    if (isNotFound(error)) return store;
    await store.close();
    throw error;
  }
  const { createSchemas } = await import("../server/schemas/create_schemas.ts");
  const { backend, registry } = createSchemas(store, { clock: systemClock, notice });
  const close = async () => {
    await registry.close();
    await store.close();
  };
  return Object.assign(backend, { close, [Symbol.asyncDispose]: close });
}
