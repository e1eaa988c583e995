/**
 * Where webhooks may be sent to. A server can reach what its users cannot: itself, its neighbours,
 * what its cloud tells about it. So only public addresses are, unless whoever runs it allows others.
 *
 * @module
 */
import ipaddr from "ipaddr.js";
import { SeglogError } from "../../core/base/errors.ts";

/** An address of the public range that answers machines of one cloud with what is theirs alone. */
const NEIGHBOUR = "168.63.129.16";
const HOST = /^(\*\.)?[a-z\d]([a-z\d-]*[a-z\d])?(\.[a-z\d]([a-z\d-]*[a-z\d])?)*$/;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What may be reached. */
export class AddressPolicy {
  readonly #hosts: string[] = [];
  readonly #networks: [Address, number][] = [];

  /**
   * @param allowed what may be reached beside public addresses, and without TLS: names, `*.` before
   * them for all names below, addresses, and networks such as `10.0.0.0/8`
   * @throws {SeglogError} `invalid-argument`
   */
  constructor(allowed: readonly string[] = []) {
    for (const text of allowed) this.#allow(text.trim().toLowerCase());
  }

  /**
   * Refuses a URL that nothing is sent to, whatever it resolves to.
   *
   * @throws {SeglogError} `invalid-argument`, `forbidden`
   */
  checkUrl(url: URL): void {
    const plain = url.protocol === "http:";
    if (!plain && url.protocol !== "https:") throw refusedUrl(url, "its scheme is not https");
    if (url.username !== "" || url.password !== "") throw refusedUrl(url, "it has a user in it");
    if (url.hash !== "") throw refusedUrl(url, "it has a fragment");
    const host = hostOf(url);
    if (ipaddr.isValid(host)) this.checkAddress(host, url);
    else if (plain && !this.#isAllowedHost(host) && this.#networks.length === 0) {
      throw unencrypted(url);
    }
  }

  /**
   * Refuses an address that a URL leads to.
   *
   * @throws {SeglogError} `forbidden`
   */
  checkAddress(text: string, url: URL): void {
    if (this.#isAllowedHost(hostOf(url))) return;
    const address = ipaddr.process(text);
    if (this.#networks.some(([network, bits]) => contains(network, bits, address))) return;
    if (url.protocol === "http:") throw unencrypted(url);
    if (isPublic(address)) return;
    // Which address it is, is not told: what names there are inside is nobody's to find out.
    throw new SeglogError(
      "forbidden",
      `Cannot send webhooks to ${
        hostOf(url)
      }: its address is not public; serve --webhook-allow allows it`,
    );
  }

  #allow(text: string): void {
    if (ipaddr.isValidCIDR(text)) this.#networks.push(ipaddr.parseCIDR(text));
    else if (ipaddr.isValid(text)) {
      const address = ipaddr.process(text);
      this.#networks.push([address, address.kind() === "ipv4" ? 32 : 128]);
    } else if (HOST.test(text) && !/^[\d.]+$/.test(text)) this.#hosts.push(text);
    else {
      throw new SeglogError(
        "invalid-argument",
        `Cannot allow webhooks to ${
          JSON.stringify(text.slice(0, 80))
        }: give a host, an address, or a network such as 10.0.0.0/8`,
      );
    }
  }

  #isAllowedHost(host: string): boolean {
    return this.#hosts.some((allowed) =>
      allowed.startsWith("*.") ? host.endsWith(allowed.slice(1)) : host === allowed
    );
  }
}

/** The host of a URL: a name without a dot at its end, or an address without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

/**
 * Whether an address is one of the public internet. What only stands for another address, inside of
 * it, is not: a translator on the way may reach anything by it.
 */
function isPublic(address: Address): boolean {
  if (address.range() !== "unicast" || address.toString() === NEIGHBOUR) return false;
  // Of the rest of IPv6 nothing is given out: 2000::/3 is all that is public.
  return address.kind() === "ipv4" || address.toByteArray()[0]! >> 5 === 1;
}

function contains(network: Address, bits: number, address: Address): boolean {
  return network.kind() === address.kind() && address.match(network as never, bits);
}

function refusedUrl(url: URL, why: string): SeglogError {
  return new SeglogError("invalid-argument", `Cannot send webhooks to ${shown(url)}: ${why}`);
}

function unencrypted(url: URL): SeglogError {
  return new SeglogError(
    "forbidden",
    `Cannot send webhooks to ${
      shown(url)
    } without TLS: use https; serve --webhook-allow allows http`,
  );
}

/** A URL without what may be secret in it. */
export function shown(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`.slice(0, 200);
}
