import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import type { Kind } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";
import { cookieJar } from "./sessions.ts";

/** Id: the hash of the browser's cookie and an e-mail address. Expires after 180 days. */
const knownBrowserKind: Kind<{ at: number }> = { name: "known_browser", codec: z.strictObject({ at: z.number() }) };

/**
 * Whom attempts at an address are counted for: a browser that has signed in with it counts for itself, all others
 * together, so that strangers who guess cannot lock its owner out.
 */
export async function bucketOf(service: Service, exchange: Exchange, email: string): Promise<readonly string[]> {
  const id = idOf(service, exchange, email);
  const known = id !== undefined && (await service.store.get(knownBrowserKind, { id }));
  return known ? [email, id] : [email];
}

/** Somebody has signed in with this address in this browser. */
export async function rememberBrowser(service: Service, exchange: Exchange, email: string): Promise<void> {
  const id = idOf(service, exchange, email);
  if (id === undefined) return;
  const now = service.clock();
  await service.store.create(knownBrowserKind, { id }, { at: now }, now + lifetimes(service).browserCookie);
}

function idOf(service: Service, exchange: Exchange, email: string): string | undefined {
  const cookie = cookieJar(service).read(exchange, "browser");
  return cookie === undefined ? undefined : sha256(JSON.stringify([cookie, email]));
}
