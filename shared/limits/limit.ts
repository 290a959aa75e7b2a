import ipaddr from "ipaddr.js";
import { z } from "zod";
import { sha256 } from "../hash.ts";
import { HttpError } from "../http/exchange.ts";
import type { Service } from "../service.ts";
import type { Kind } from "../state/store.ts";

const HOUR = 60 * 60 * 1000;
/** Kept a little longer than its window, so that replicas with other clocks still find it. */
const GRACE = 60 * 1000;

/** Id: what is limited, the window's start and the key. */
export const counterKind: Kind<number> = { name: "counter", codec: z.number() };

/**
 * Counts one more for an address in this hour. Addresses of SHARED_EGRESS stand for too many people to be counted.
 * @param max For an hour.
 * @throws {HttpError} 429 with Retry-After above it.
 */
export async function limitPerAddress(service: Service, name: string, address: string, max: number): Promise<void> {
  if (isWithin(address, service.config.sharedEgress)) return;
  await limitPerHour(service, name, networkOf(address), max);
}

/**
 * Counts one more for a key in this hour.
 * @param key Whom it is counted for; a hash of it is kept.
 * @param max For an hour.
 * @throws {HttpError} 429 with Retry-After above it.
 */
export async function limitPerHour({ store, clock }: Service, name: string, key: string, max: number): Promise<void> {
  const windowStart = Math.floor(clock() / HOUR) * HOUR;
  const windowEnd = windowStart + HOUR;
  const count = await store.increment(counterKind, { id: `${name}:${windowStart}:${sha256(key)}` }, 1, windowEnd + GRACE);
  if (count <= max) return;
  throw new HttpError(429, "Too many requests. Try again later.", {
    "retry-after": String(Math.ceil((windowEnd - clock()) / 1000)),
  });
}

/** One household or server has a whole /64 of IPv6 (RFC 6177). */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === "ipv6" ? ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString() : parsed.toString();
}

function isWithin(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((range) => {
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
