import dns from "node:dns/promises";
import { isLoopbackHost } from "./loopback.ts";

/** An address that a host name stands for. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

const OWN: readonly ResolvedAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/**
 * What a name that a stranger chose stands for, asked of the name servers without the system's resolver: that one holds
 * one of Node's four threads for as long as the stranger's name server keeps silent, and with all of them it would hold up
 * whatever else needs one (files, signatures, the database's own name).
 *
 * @throws {Error} with Node's code when the name stands for nothing or nobody answers.
 */
export async function resolveName(host: string): Promise<readonly ResolvedAddress[]> {
  if (isLoopbackHost(host)) return OWN;
  const [v4, v6] = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
  const addresses = [...addressesIn(v4, 4), ...addressesIn(v6, 6)];
  if (addresses.length === 0 && v4.status === "rejected") throw v4.reason;
  return addresses;
}

/** A name may have addresses of one family alone. */
function addressesIn(answer: PromiseSettledResult<readonly string[]>, family: number): readonly ResolvedAddress[] {
  return answer.status === "fulfilled" ? answer.value.map((address) => ({ address, family })) : [];
}
