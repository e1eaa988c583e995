/**
 * A server that others can reach must be protected: without TLS whoever is on the way reads and
 * changes everything, and without credentials everybody may do everything.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import ipaddr from "ipaddr.js";
import { SeglogError } from "../../core/base/errors.ts";

/** Where a server is about to listen, and what protects it. */
export interface Exposure {
  readonly host: string;
  readonly hasTls: boolean;
  /** Finds out whether callers have to show who they are. */
  readonly hasCredentials: () => Promise<boolean>;
  /** Whether whoever starts it takes the risk. */
  readonly unprotected: boolean;
  /** Finds the addresses of a name; that of the system unless given. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/**
 * Refuses to listen where others reach the server without TLS or without credentials.
 *
 * @returns the risk that is taken, for the server's log; `undefined` where there is none
 * @throws {SeglogError} `forbidden`, naming what is missing; `unavailable` for an unknown name
 */
export async function demandProtection(exposure: Exposure): Promise<string | undefined> {
  const { host, hasTls, unprotected } = exposure;
  if (await isLocal(host, exposure.resolve ?? addressesOf)) return undefined;
  const hasCredentials = await exposure.hasCredentials();
  if (hasTls && hasCredentials) return undefined;
  const lacks = [
    ...hasTls ? [] : ["TLS: give --tls-cert and --tls-key"],
    ...hasCredentials ? [] : ["tokens: make one with seglog token create"],
  ];
  const risk = hasCredentials
    ? "everybody on the way reads what is sent, tokens included"
    : "everybody who reaches it can read, change and delete everything";
  if (unprotected) return `unprotected on ${host}: ${risk}`;
  throw new SeglogError(
    "forbidden",
    `Cannot listen on ${host}: other machines reach it, and it has no ${
      lacks.join(", and no ")
    }. ` +
      `With --unprotected it listens all the same, and ${risk}`,
  );
}

/** Whether only this machine reaches what listens on `host`. */
async function isLocal(
  host: string,
  resolve: (name: string) => Promise<readonly string[]>,
): Promise<boolean> {
  if (isLoopback(host)) return true;
  if (ipaddr.isValid(host)) return false;
  const addresses = await resolve(host);
  return addresses.length > 0 && addresses.every(isLoopback);
}

/** Whether an address is one of this machine only, IPv4 within IPv6 included. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === "loopback";
}

async function addressesOf(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new SeglogError(
      "unavailable",
      `Cannot listen on ${name}: no address of that name is known; choose another host`,
      { cause },
    );
  }
}
