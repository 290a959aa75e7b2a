import type { Config } from "../config.ts";
import type { Exchange } from "./exchange.ts";

export interface CookieJar {
  /** A cookie's value by its short name ("browser", "session"). */
  read(exchange: Exchange, name: string): string | undefined;
  /** A `set-cookie` value. @param maxAge Seconds; 0 removes it, absent lasts for the browser's session. */
  write(name: string, value: string, maxAge?: number): string;
}

/**
 * Over https the `__Host-` prefix keeps subdomains and http from planting a cookie (RFC 6265bis §4.1.3.2), and the
 * weaker name is never read; on http loopback the port keeps two services apart, since cookies know no ports.
 */
export function createCookieJar({ publicUrl, port }: Pick<Config, "publicUrl" | "port">): CookieJar {
  const secure = publicUrl.startsWith("https://");
  const prefix = secure ? "__Host-portico_" : `portico_${new URL(publicUrl).port || port}_`;
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? "; Secure" : ""}`;
  return {
    read(exchange, name) {
      const wanted = `${prefix}${name}=`;
      const pair = (exchange.header("cookie") ?? "").split(/; */).find((item) => item.startsWith(wanted));
      const value = pair?.slice(wanted.length);
      return value && /^[A-Za-z0-9_-]{1,200}$/.test(value) ? value : undefined;
    },
    write(name, value, maxAge) {
      return `${prefix}${name}=${value}; ${attributes}${maxAge === undefined ? "" : `; Max-Age=${maxAge}`}`;
    },
  };
}
