import ipaddr from "ipaddr.js";

/** What IPv6 has assigned to networks that anyone can reach (RFC 4291 §2.4): embedded and translated IPv4 lie outside or are named. */
const GLOBAL_UNICAST = ipaddr.parseCIDR("2000::/3") as [ipaddr.IPv6, number];

/**
 * Why nothing may be fetched from an IP address that a stranger chose, or nothing when it is an ordinary public one.
 * Every address that is not plain unicast is refused: this machine, private networks, link-local (cloud metadata
 * services), shared, benchmarking, documentation and reserved ranges, multicast, and the forms of IPv6 that carry an IPv4
 * address on to another network (mapped, compatible, NAT64, 6to4, Teredo).
 */
export function addressFault(address: string): string | undefined {
  // A zone belongs to link-local addresses alone.
  if (!ipaddr.isValid(address) || address.includes("%")) return "is not an IP address";
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range !== "unicast") return `is not public (${range})`;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_UNICAST)) return "is not public (outside 2000::/3)";
  return undefined;
}
