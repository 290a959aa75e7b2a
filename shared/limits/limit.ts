import ipaddr from "ipaddr.js";
import { z } from "zod";
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
export async function limitPerAddress({ config, store, clock }: Service, name: string, address: string, max: number): Promise<void> {
  if (isWithin(address, config.sharedEgress)) return;
  const windowStart = Math.floor(clock() / HOUR) * HOUR;
  const windowEnd = windowStart + HOUR;
  const count = await store.increment(counterKind, { id: `${name}:${windowStart}:${address}` }, 1, windowEnd + GRACE);
  if (count <= max) return;
  throw new HttpError(429, "Too many requests from this address. Try again later.", {
    "retry-after": String(Math.ceil((windowEnd - clock()) / 1000)),
  });
}

function isWithin(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some((range) => {
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
