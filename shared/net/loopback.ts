import { isIPv4 } from "node:net";

/** Whether a host, with or without a port, names this machine (RFC 8252 §7.3, RFC 6761 §6.3). */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, "");
  return name === "localhost" || name === "[::1]" || (name.startsWith("127.") && isIPv4(name));
}

/** Whether an IP address is this machine's own. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}
