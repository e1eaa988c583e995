/**
 * `cert`: certificates for development, in a folder.
 *
 * @module
 */
import { fillCertFolder, type WantedCert } from "../cert/cert_folder.ts";
import type { Holder } from "../cert/certificates.ts";
import { EXIT_OK, UsageError } from "../exit.ts";
import type { CertVerbOptions } from "../grammar/cert.ts";
import type { Context } from "../grammar/verb.ts";

const DAY_MS = 24 * 3600 * 1000;
/** The authority outlives what it signs. */
const AUTHORITY_DAYS_MIN = 3650;
/** Clocks of other machines may be behind. */
const SKEW_MS = 3600 * 1000;
const HOSTS_DEFAULT = ["localhost", "127.0.0.1", "::1"];
const CLIENT_DEFAULT = "client";

/** Makes what is not there, and prints the files of all certificates that were asked for. */
export async function cert({ output }: Context, options: CertVerbOptions): Promise<number> {
  const { folder, days } = options;
  const fromMs = Date.now() - SKEW_MS;
  const until = (lasting: number) => ({ fromMs, untilMs: Date.now() + lasting * DAY_MS });
  const outcomes = await fillCertFolder(folder, wantedBy(options), {
    validity: until(days),
    authorityValidity: until(Math.max(days, AUTHORITY_DAYS_MIN)),
  });
  for (const { path, holder, isNew } of outcomes) {
    await output.line(path);
    const what = describe(holder);
    if (isNew) output.note(`seglog: made ${path}: ${what}`);
    else if (holder === undefined) output.note(`seglog: kept ${path}: ${what}`);
    else {output.note(
        `seglog: kept ${path}, which is there already; name it and give -y for a new one`,
      );}
  }
  return EXIT_OK;
}

/** What nobody has named is made where it is missing, and never anew. */
function wantedBy({ hosts, clients, yes }: CertVerbOptions): WantedCert[] {
  if (yes && hosts.length === 0 && clients.length === 0) {
    throw new UsageError("-y makes anew what --host and --client name: name what it is to be");
  }
  const names = clients.length === 0 && !yes ? [CLIENT_DEFAULT] : new Set(clients);
  return [
    {
      holder: { kind: "server", hosts: hosts.length === 0 ? HOSTS_DEFAULT : hosts },
      replace: yes && hosts.length > 0,
    },
    ...[...names].map((name): WantedCert => ({ holder: { kind: "client", name }, replace: yes })),
  ];
}

function describe(holder: Holder | undefined): string {
  if (holder === undefined) return "the authority that signs";
  return holder.kind === "server"
    ? `the server, as ${holder.hosts.join(", ")}`
    : `the client with subject CN=${holder.name}`;
}
