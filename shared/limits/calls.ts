import { type Caller, CapabilityError } from "../capabilities/capability.ts";
import type { Service } from "../service.ts";
import { isShared, networkOf } from "./address.ts";
import { createAllowances } from "./allowance.ts";

/** What a person may do at once is a quarter of a minute's calls. */
const BURST = 0.25;

function createCallLimit({ config, clock }: Service): (name: string) => boolean {
  const perSecond = config.callsPerMinute / 60;
  return createAllowances({ burst: Math.max(1, config.callsPerMinute * BURST), perSecond }, clock);
}

/**
 * Counts a call of a capability for a person and the client that acts for them, or for a stranger's network
 * (MCP 2026-07-28 server/tools §security-considerations). Each process counts for itself: it is the work that is limited.
 * @throws {CapabilityError} `rate_limited`
 */
export function limitCalls(service: Service, caller: Caller | undefined, from: { readonly address: string }): void {
  const name = caller ? `${caller.subject} ${caller.clientId}` : strangersName(service, from.address);
  if (name === undefined || service.part(createCallLimit)(name)) return;
  throw new CapabilityError("rate_limited", "Too many calls in a short time. Wait some seconds.", { retryAfter: 5 });
}

/** Behind a shared address stand too many strangers to be counted as one. */
function strangersName({ config }: Service, address: string): string | undefined {
  return isShared(address, config.sharedEgress) ? undefined : networkOf(address);
}
