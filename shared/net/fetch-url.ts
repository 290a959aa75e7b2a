import { isIP } from "node:net";
import { addressFault } from "./address-class.ts";
import { isLoopbackHost } from "./loopback.ts";

const MAX_URL = 2_000;

/**
 * What is wrong with an address that a stranger names, as far as it can be seen without looking the name up.
 * @param loopback Whether this machine may be asked, over http too.
 */
export function fetchUrlFault(text: string, loopback: boolean): string | undefined {
  if (text.length > MAX_URL || !URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  const own = loopback && isLoopbackHost(url.host);
  if (url.protocol !== "https:" && !(own && url.protocol === "http:")) return "is not https";
  if (url.username !== "" || url.password !== "") return "holds credentials";
  if (text.includes("#")) return "has a fragment";
  // `https:/x`, `0x7f.1`, `2130706433` and full-width digits are read as another host than they show.
  const authority = /^https?:\/\/([^/?\\]+)/.exec(text)?.[1];
  if (authority?.replace(/:(443|80)$/, "") !== url.host.replace(/:(443|80)$/, "")) return "does not write its host out as it is read";
  if (url.hostname.endsWith(".")) return "ends its host with a dot";
  const literal = literalOf(url);
  const fault = literal === undefined || own ? undefined : addressFault(literal);
  return fault === undefined ? undefined : `names an address that ${fault}`;
}

/** The IP address that stands in place of a name. */
export function literalOf({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 ? undefined : bare;
}
