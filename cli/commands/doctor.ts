/**
 * `doctor`: looks at all that a server needs around it, and says what to do where something is not
 * as it should be.
 *
 * @module
 */
import { LIMIT_SETTINGS } from "../config/limit_settings.ts";
import { type HeldSettings, valuesIn } from "../config/held_settings.ts";
import { PROTECTION_SETTINGS } from "../config/protection_settings.ts";
import { SERVER_SETTINGS } from "../config/server_settings.ts";
import type { AnySetting } from "../config/setting.ts";
import { SETTING_NAMES, SETTINGS } from "../config/settings.ts";
import { isUrl, placeOf } from "../connect.ts";
import { checkClock } from "../doctor/clock.ts";
import type { Finding, Verdict } from "../doctor/finding.ts";
import { checkFolder } from "../doctor/folder.ts";
import { checkAddresses, checkCluster, checkServer } from "../doctor/network.ts";
import { checkReplica } from "../doctor/replica.ts";
import {
  checkOpenFiles,
  checkRuntime,
  checkSecretFiles,
  checkSettings,
} from "../doctor/program.ts";
import { EXIT_ERROR, EXIT_OK } from "../exit.ts";
import type { DoctorVerbOptions } from "../grammar/doctor.ts";
import type { Context } from "../grammar/verb.ts";
import { heldByServe } from "../held_by_serve.ts";
import type { Output } from "../output.ts";

/** Version of the JSON that `-J` writes. */
const JSON_VERSION = 1;

const STYLES = { ok: "green", warn: "yellow", fail: "red" } as const;

/** Looks, and exits with 1 when something is in the way of a server. Changes nothing. */
export async function doctor(context: Context, options: DoctorVerbOptions): Promise<number> {
  const findings = await examine(context, options);
  const { output } = context;
  const worst = (["fail", "warn", "ok"] as const).find((verdict) =>
    findings.some((finding) => finding.verdict === verdict)
  )!;
  if (options.shaped) {
    await output.line(JSON.stringify({ version: JSON_VERSION, verdict: worst, findings }));
  } else for (const finding of findings) await output.line(lineOf(output, finding));
  return worst === "fail" ? EXIT_ERROR : EXIT_OK;
}

/** A URL is asked; a folder is looked at with all that a server of it would take. */
async function examine(context: Context, { given }: DoctorVerbOptions): Promise<Finding[]> {
  const held = heldByServe(context, given);
  const findings = [...checkRuntime(), ...checkSettings(held, context.io.env)];
  if (isUrl(context.at)) {
    const check = placeOf(context.at) === "a cluster" ? checkCluster : checkServer;
    return [...findings, ...checkSecretFiles(shownFiles(context)), ...await check(context)];
  }
  const { data, http, grpc } = valuesIn(SERVER_SETTINGS, held);
  const { cert } = valuesIn(PROTECTION_SETTINGS, held);
  const { connectionsMax } = valuesIn(LIMIT_SETTINGS, held);
  return [
    ...findings,
    ...checkSecretFiles(secretFiles(held)),
    ...checkOpenFiles(connectionsMax),
    ...checkFolder(data),
    ...await checkClock(data, Date.now()),
    ...await checkReplica(context, data),
    ...await checkAddresses({ http, grpc, hasTls: cert !== undefined }),
  ];
}

/** What a server is shown of secrets. */
function shownFiles({ access = {}, io: { env } }: Context): string[] {
  const paths = [access.tokenFile ?? env.SEGLOG_TOKEN_FILE, access.keyFile ?? env.SEGLOG_KEY_FILE];
  return paths.flatMap((path) => path === undefined || path === "" ? [] : [path]);
}

/** What a server keeps secret of its own. */
function secretFiles(held: HeldSettings): string[] {
  return [...SETTING_NAMES.values()].flatMap((name) => {
    const setting: AnySetting = SETTINGS[name];
    const { value } = held[name];
    return setting.holdsSecret && typeof value === "string" ? [value] : [];
  });
}

function lineOf(output: Output, { check, verdict, says, advice }: Finding): string {
  const mark = output.style(STYLES[verdict], verdict.padEnd(WIDTH));
  return `${mark} ${check}: ${says}${advice === undefined ? "" : `; ${advice}`}`;
}

const WIDTH = Math.max(...(["ok", "warn", "fail"] satisfies Verdict[]).map(({ length }) => length));
