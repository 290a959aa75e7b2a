import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { writeOver } from "../../shared/state/entries.ts";
import type { Kind } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";
import { cookieJar } from "./sessions.ts";

/** Id: the hash of the browser's cookie and an e-mail address. Expires 180 days after its last sign-in, or a day less. */
const knownBrowserKind: Kind<{ at: number }> = { name: "known_browser", codec: z.strictObject({ at: z.number() }) };

/** A sign-in puts the end off when the one before is this old, in milliseconds, so that not each of them writes. */
const WRITTEN_AFTER = 24 * 60 * 60 * 1000;

/**
 * The name of a browser that has signed in with an address before. What it does is counted for itself, and what all
 * others do together, so that strangers who guess cannot lock the address's owner out.
 */
export async function knownBrowser(service: Service, exchange: Exchange, email: string): Promise<string | undefined> {
  const id = idOf(service, exchange, email);
  return id !== undefined && (await service.store.get(knownBrowserKind, { id })) ? id : undefined;
}

/** Somebody has signed in with this address in this browser. */
export async function rememberBrowser(service: Service, exchange: Exchange, email: string): Promise<void> {
  const id = idOf(service, exchange, email);
  if (id === undefined) return;
  const { store, clock } = service;
  const at = clock();
  const expiresAt = at + lifetimes(service).browserCookie;
  const known = await store.get(knownBrowserKind, { id });
  if (known && at - known.value.at <= WRITTEN_AFTER) return;
  await writeOver(store, knownBrowserKind, { id }, known, { at }, expiresAt);
}

function idOf(service: Service, exchange: Exchange, email: string): string | undefined {
  const cookie = cookieJar(service).read(exchange, "browser");
  return cookie === undefined ? undefined : sha256(JSON.stringify([cookie, email]));
}
