/**
 * `webhook add`, `ls`, `info`, `pause`, `resume`, `rm` and `test`: of a server, which delivers.
 *
 * @module
 */
import type { ServerApi } from "../../client/server_api.ts";
import type { ShownWebhook } from "../../server/webhooks/show.ts";
import { confirmed } from "../confirm.ts";
import { openUrl, placeOf } from "../connect.ts";
import { EXIT_ERROR, EXIT_OK, UsageError } from "../exit.ts";
import type {
  WebhookAddOptions,
  WebhookLsOptions,
  WebhookNameOptions,
  WebhookResumeOptions,
  WebhookRmOptions,
} from "../grammar/webhook.ts";
import type { Context } from "../grammar/verb.ts";
import { writeRows } from "../table.ts";
import { countOf } from "../units.ts";

const WEBHOOKS = "/v1/webhooks";

/** What came of a test. */
interface TestResult {
  readonly delivered: boolean;
  readonly status?: number;
  readonly error?: string;
  readonly ms: number;
}

/** Makes a webhook, or changes one: standard output has the secret and nothing else. */
export async function addWebhook(context: Context, options: WebhookAddOptions): Promise<number> {
  const { name, topic, url, partitions, key, batch, from, shaped } = options;
  const { output } = context;
  return await onServer(context, async (api) => {
    const { secret, ...shown } = await api.put<ShownWebhook & { secret?: string }>(pathOf(name), {
      topic,
      url: url.href,
      ...partitions.length === 0 ? {} : { partitions },
      ...key === undefined ? {} : { key },
      ...batch === undefined ? {} : { batch },
      ...from === undefined ? {} : { from },
    });
    const made = secret === undefined ? {} : { secret };
    if (shaped) await output.line(JSON.stringify({ version: 1, ...shown, ...made }));
    else if (secret !== undefined) await output.line(secret);
    output.note(
      secret === undefined
        ? `seglog: changed the webhook "${name}"`
        : `seglog: "${name}" posts "${topic}" to ${shown.url}; its secret is shown only now`,
    );
    return EXIT_OK;
  });
}

/** Lists webhooks. */
export async function listWebhooks(
  context: Context,
  { shaped }: WebhookLsOptions,
): Promise<number> {
  const { output } = context;
  return await onServer(context, async (api) => {
    const { webhooks } = await api.get<{ webhooks: ShownWebhook[] }>(WEBHOOKS);
    if (shaped) {
      for (const webhook of webhooks) await output.line(shapeOf(webhook));
    } else if (webhooks.length === 0) {
      output.note("seglog: there are no webhooks");
    } else {
      await writeRows(output, {
        headings: ["NAME", "TOPIC", "URL", "STATE", "BEHIND"],
        numeric: [4],
        rows: webhooks.map((each) => [
          each.name,
          each.topic,
          each.url,
          stateOf(each),
          String(each.deliveries.reduce((sum, { behind }) => sum + (behind ?? 0), 0)),
        ]),
      });
    }
    return EXIT_OK;
  });
}

/** Shows one webhook with its partitions. */
export async function showWebhook(context: Context, options: WebhookNameOptions): Promise<number> {
  return await onServer(context, async (api) => {
    const webhook = await api.get<ShownWebhook>(pathOf(options.name));
    await write(context, webhook, options.shaped);
    return EXIT_OK;
  });
}

/** Ends deliveries until they are resumed. */
export async function pauseWebhook(context: Context, options: WebhookNameOptions): Promise<number> {
  const { name, shaped } = options;
  return await onServer(context, async (api) => {
    const webhook = await api.post<ShownWebhook>(`${pathOf(name)}/pause`, {});
    if (shaped) await context.output.line(shapeOf(webhook));
    context.output.note(`seglog: paused "${name}"`);
    return EXIT_OK;
  });
}

/** Begins deliveries again. */
export async function resumeWebhook(
  context: Context,
  { name, partition, from, shaped }: WebhookResumeOptions,
): Promise<number> {
  return await onServer(context, async (api) => {
    const webhook = await api.post<ShownWebhook>(`${pathOf(name)}/resume`, {
      ...partition === undefined ? {} : { partition },
      ...from === undefined ? {} : { from },
    });
    if (shaped) await context.output.line(shapeOf(webhook));
    const behind = webhook.deliveries.reduce((sum, each) => sum + (each.behind ?? 0), 0);
    context.output.note(`seglog: resumed "${name}" with ${countOf(behind, "record")} to deliver`);
    return EXIT_OK;
  });
}

/** Removes a webhook, asking first unless told not to. */
export async function removeWebhook(context: Context, options: WebhookRmOptions): Promise<number> {
  const { name, yes } = options;
  return await onServer(context, async (api) => {
    const { topic, url } = await api.get<ShownWebhook>(pathOf(name));
    const question = `Remove the webhook "${name}", which posts "${topic}" to ${url}?`;
    if (!yes && !await confirmed(context, question)) {
      context.output.note("seglog: nothing was removed");
      return EXIT_ERROR;
    }
    await api.delete(pathOf(name));
    context.output.note(`seglog: removed the webhook "${name}"`);
    return EXIT_OK;
  });
}

/** Sends no records, and says what came of it. */
export async function testWebhook(context: Context, options: WebhookNameOptions): Promise<number> {
  const { name, shaped } = options;
  const { output } = context;
  return await onServer(context, async (api) => {
    const result = await api.post<TestResult>(`${pathOf(name)}/test`, {});
    const { delivered, status, error, ms } = result;
    if (shaped) await output.line(JSON.stringify({ version: 1, ...result }));
    else {output.note(
        delivered
          ? `seglog: "${name}" arrives: status ${status} after ${ms} ms`
          : `seglog: "${name}" does not arrive: ${error ?? `status ${status}`}`,
      );}
    return delivered ? EXIT_OK : EXIT_ERROR;
  });
}

async function onServer(
  context: Context,
  use: (api: ServerApi) => Promise<number>,
): Promise<number> {
  if (placeOf(context.at) === "a folder") {
    throw new UsageError(
      `webhooks are of a server, and ${context.at} is a folder: give --at URL, as in --at http://127.0.0.1:8080`,
    );
  }
  await using backend = await openUrl(context);
  return await use(backend.api);
}

async function write({ output }: Context, webhook: ShownWebhook, shaped: boolean): Promise<void> {
  if (shaped) return await output.line(shapeOf(webhook));
  const { name, topic, url, batch, key, createdAt, pause, deliveries } = webhook;
  await writeRows(output, {
    headings: ["SETTING", "VALUE"],
    rows: [
      ["name", name],
      ["topic", topic],
      ["url", url],
      ["batch", String(batch)],
      ...key === null ? [] : [["key", key]],
      ["created", createdAt],
      ["state", stateOf(webhook)],
      ...pause === null ? [] : [["paused", `${pause.since}: ${pause.detail}`]],
    ],
  });
  await output.write("\n");
  await writeRows(output, {
    headings: ["PARTITION", "NEXT", "BEHIND", "DELIVERED", "FAILURES", "RETRY AT", "LAST ERROR"],
    numeric: [0, 1, 2, 3, 4],
    rows: deliveries.map((each) => [
      String(each.partition),
      String(each.next),
      each.behind === null ? "?" : String(each.behind),
      String(each.delivered),
      String(each.failures),
      each.retryAt ?? "",
      each.lastError ?? "",
    ]),
  });
}

function stateOf({ state, pause }: ShownWebhook): string {
  return pause === null ? state : `${state} (${pause.reason})`;
}

function shapeOf(webhook: ShownWebhook): string {
  return JSON.stringify({ version: 1, ...webhook });
}

function pathOf(name: string): string {
  return `${WEBHOOKS}/${encodeURIComponent(name)}`;
}
