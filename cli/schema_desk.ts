/**
 * Schemas in a folder, on a server or in a cluster, the same to every verb.
 *
 * @module
 */
import { topicPath } from "../client/topic_path.ts";
import { systemClock } from "../core/base/clock.ts";
import type { GivenSchema } from "../server/schemas/schema_registry.ts";
import type {
  AskedSchema,
  ShownRegistration,
  ShownSchemas,
  ShownVerdict,
  ShownVersion,
} from "../server/schemas/shown_schemas.ts";
import { notice, openStore, openToChange, openToRead, openUrl, placeOf } from "./connect.ts";
import type { Context } from "./grammar/verb.ts";

/** What can be done with schemas. All methods throw as the routes of the server tell. */
export interface SchemaDesk extends AsyncDisposable {
  list(): Promise<readonly ShownSchemas[]>;
  describe(topic: string): Promise<ShownSchemas>;
  show(topic: string, version?: number): Promise<ShownVersion>;
  register(topic: string, given: GivenSchema): Promise<ShownRegistration>;
  check(topic: string, given: AskedSchema): Promise<ShownVerdict>;
  remove(topic: string): Promise<void>;
}

/** What a verb does: a folder is opened for no more than that. */
export type DeskUse = "read" | "change" | "make";

/** Opens what `--at` names. */
export async function openSchemaDesk(context: Context, use: DeskUse): Promise<SchemaDesk> {
  return placeOf(context.at) === "a server"
    ? await onServer(context)
    : await inFolder(context, use);
}

async function onServer(context: Context): Promise<SchemaDesk> {
  const backend = await openUrl(context);
  const { api } = backend;
  const pathOf = (topic: string) => topicPath(topic).replace("/v1/topics/", "/v1/schemas/");
  return {
    list: async () => (await api.get<{ schemas: ShownSchemas[] }>("/v1/schemas")).schemas,
    describe: (topic) => api.get(pathOf(topic)),
    show: (topic, version) => api.get(`${pathOf(topic)}/${version ?? "latest"}`),
    register: (topic, given) => api.post(pathOf(topic), given),
    check: (topic, given) => api.ask(`${pathOf(topic)}/check`, given),
    remove: (topic) => api.delete(pathOf(topic)),
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

async function inFolder(context: Context, use: DeskUse): Promise<SchemaDesk> {
  const [{ createSchemas }, { shownSchemas, shownVerdict, shownVersion }] = await Promise.all([
    import("../server/schemas/create_schemas.ts"),
    import("../server/schemas/shown_schemas.ts"),
  ]);
  const open = { read: openToRead, change: openToChange, make: openStore }[use];
  const store = await open(context);
  const { registry, backend } = createSchemas(store, {
    clock: systemClock,
    notice: notice(context.output),
  });
  const close = async () => {
    await registry.close();
    await store.close();
  };
  try {
    await registry.open();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    list: () =>
      Promise.resolve(registry.list().map(([topic, schemas]) => shownSchemas(topic, schemas))),
    describe: (topic) => made(() => shownSchemas(topic, registry.get(topic))),
    show: (topic, version) => made(() => shownVersion(registry, topic, version)),
    register: async (topic, given) => ({ topic, ...await registry.register(topic, given) }),
    check: (topic, given) => shownVerdict(registry, topic, { given, backend }),
    remove: (topic) => registry.remove(topic),
    [Symbol.asyncDispose]: close,
  };
}

/** What `make` throws comes as a rejection, too. */
async function made<Result>(make: () => Result): Promise<Result> {
  return await Promise.resolve().then(make);
}
