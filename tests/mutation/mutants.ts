/**
 * The lines that durability and honesty hang on, each with a change that breaks it. `deno task
 * mutants` makes one change at a time and expects a test to fail.
 */
import { ACCESS_MUTANTS } from "./access_mutants.ts";
import { CLUSTER_MUTANTS } from "./cluster_mutants.ts";
import { FORMAT_MUTANTS } from "./format_mutants.ts";
import { KV_MUTANTS } from "./kv_mutants.ts";
import { LOG_MUTANTS } from "./log_mutants.ts";
import { PROTECTION_MUTANTS } from "./protection_mutants.ts";
import { SERVICE_MUTANTS } from "./service_mutants.ts";
import { STORE_MUTANTS } from "./store_mutants.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [
  ...FORMAT_MUTANTS,
  ...LOG_MUTANTS,
  ...STORE_MUTANTS,
  ...KV_MUTANTS,
  ...ACCESS_MUTANTS,
  ...PROTECTION_MUTANTS,
  ...SERVICE_MUTANTS,
  ...CLUSTER_MUTANTS,
];
