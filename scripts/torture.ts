/**
 * The long run of all that tries to break the contract: `torture [NAME…] [--minutes N] [--seed N]`.
 * Each campaign gets an equal share of the time. Ends with a table of what was tried.
 *
 * @module
 */
import process from "node:process";
import { parseArgs } from "node:util";
import type { Campaign } from "../tests/support/campaign.ts";

/** Every campaign; each is loaded when it is run. */
const CAMPAIGNS: Readonly<Record<string, () => Promise<Campaign>>> = {
  crash: async () => (await import("../tests/crash/crash_campaign.ts")).crashCampaign,
  repair: async () => (await import("../tests/repair/repair_campaign.ts")).repairCampaign,
  backup: async () => (await import("../tests/store/backup_campaign.ts")).backupCampaign,
  replica: async () => (await import("../tests/replica/replica_campaign.ts")).replicaCampaign,
  damage: async () => (await import("../tests/damage/damage_campaign.ts")).damageCampaign,
  fuzz: async () => (await import("../tests/fuzz/fuzz_campaign.ts")).fuzzCampaign,
  model: async () => (await import("../tests/fuzz/model_campaign.ts")).modelCampaign,
  groups: async () => (await import("../tests/groups/history_campaign.ts")).historyCampaign,
  kill: async () => (await import("../tests/crash/kill_campaign.ts")).campaign,
  syscall: async () => (await import("../tests/faults/syscall_campaign.ts")).campaign,
  fault: async () => (await import("../tests/faults/fault_campaign.ts")).campaign,
};

const MINUTES_DEFAULT = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string" }, seed: { type: "string" } },
});
const names = positionals.length === 0 ? Object.keys(CAMPAIGNS) : positionals;
const unknown = names.filter((name) => !Object.hasOwn(CAMPAIGNS, name));
const minutes = Number(values.minutes ?? MINUTES_DEFAULT);
const seed = Number(values.seed ?? Date.now() % 2 ** 32);
if (unknown.length > 0 || !(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error(
    `usage: torture [${Object.keys(CAMPAIGNS).join("|")}]… [--minutes N] [--seed N]`,
  );
  process.exit(2);
}

console.log(`seed ${seed}, ${minutes} minutes`);
let failed = 0;
for (const name of names) {
  const endMs = Date.now() + minutes * 60_000 / names.length;
  const startedMs = Date.now();
  try {
    const campaign = await CAMPAIGNS[name]!();
    const { cases, counts } = await campaign.run({
      seed,
      isOver: () => Date.now() >= endMs,
      note: (line) => console.log(`  ${line}`),
    });
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(0);
    const kinds = Object.entries(counts).map(([kind, count]) => `${kind} ${count}`).join(", ");
    console.log(`ok    ${name}: ${cases} cases in ${seconds} s (${kinds})`);
  } catch (error) {
    failed++;
    console.log(`FAIL  ${name}`);
    console.log(error);
  }
}
console.log(`\n${names.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
