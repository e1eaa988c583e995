/**
 * How a server is, in numbers: for whoever runs it.
 *
 * @module
 */
import process from "node:process";
import { type StoreTotals, storeTotals } from "../core/store_totals.ts";
import type { Services } from "./exchange.ts";
import type { Role } from "./roles.ts";

/** How a server is. */
export interface ServerStatus extends StoreTotals {
  readonly version: string;
  readonly role: Role;
  readonly volumeId: string;
  readonly kind: string;
  readonly canWrite: boolean;
  readonly isStopping: boolean;
  readonly pid: number;
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly followers: number;
  /** Memory of the process, and how much of it is objects. */
  readonly residentBytes: number;
  readonly heapBytes: number;
}

/** Measures a server, and the topics of all tenants. */
export async function serverStatus(services: Services): Promise<ServerStatus> {
  const { everything: backend } = services;
  const { rss, heapUsed } = process.memoryUsage();
  return {
    version: services.version,
    role: services.role,
    volumeId: services.volumeId,
    kind: backend.capabilities.kind,
    canWrite: backend.capabilities.canWrite,
    isStopping: services.stopping.aborted,
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    connections: services.connections(),
    followers: services.metrics.followers,
    residentBytes: rss,
    heapBytes: heapUsed,
    ...await storeTotals(backend),
  };
}
