import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import { isLoopbackRedirect, redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { listAll, writeOver } from "../../shared/state/entries.ts";
import type { Kind } from "../../shared/state/store.ts";
import { type Client, isPreRegistered, isPublic } from "../clients/client.ts";
import { permittedScopes } from "../identity/admission.ts";
import { lifetimes } from "../lifetimes.ts";

/** Owner: the subject. Id: the hash of client, redirect origin and resource. Expires after 180 days. */
const consentKind: Kind<{ scopes: string[]; at: number; clientId?: string | undefined }> = {
  name: "consent",
  codec: z.strictObject({ scopes: z.array(z.string()), at: z.number(), clientId: z.string().optional() }),
};

interface Asked {
  readonly scopes: readonly string[];
  readonly resource: string;
  /** The person's, by which scopes may be granted. */
  readonly groups?: readonly string[] | undefined;
}

/**
 * Only a client that an operator vouches for, that proves itself and that lives on the web is remembered: anyone may
 * pretend to be another (RFC 8252 §8.6, RFC 9700 §4.11).
 */
function mayBeRemembered(client: Client, redirectUri: string): boolean {
  return isPreRegistered(client) && !isPublic(client) && redirectUri.startsWith("https://");
}

/** Whether this person has already allowed all that is asked and may be granted, so that the page may be left out. */
export async function isRemembered(service: Service, sub: string, client: Client, redirectUri: string, asked: Asked): Promise<boolean> {
  if (!mayBeRemembered(client, redirectUri)) return false;
  const wanted = permittedScopes(service.config, asked.scopes, asked.groups);
  const scopes = await allowedBefore(service, sub, client, redirectUri, asked.resource);
  return wanted.length > 0 && wanted.every((scope) => scopes.includes(scope));
}

/** What this person has allowed this client before: the page marks what is new. */
export async function allowedBefore(
  service: Service,
  sub: string,
  client: Client,
  redirectUri: string,
  resource: string,
): Promise<readonly string[]> {
  return (await service.store.get(consentKind, keyOf(sub, client, redirectUri, resource)))?.value.scopes ?? [];
}

/**
 * Adds what was allowed to what is remembered. Where nothing is new the end stays, so that a person sees the page again
 * however often it was left out. A lost race costs them one more page, no more.
 */
export async function remember(
  service: Service,
  sub: string,
  client: Client,
  redirectUri: string,
  { scopes, resource }: Asked,
): Promise<void> {
  const key = keyOf(sub, client, redirectUri, resource);
  const now = service.clock();
  const expiresAt = now + lifetimes(service).consent;
  const known = await service.store.get(consentKind, key);
  if (known && scopes.every((scope) => known.value.scopes.includes(scope))) return;
  const value = { scopes: [...new Set([...(known?.value.scopes ?? []), ...scopes])], at: now, clientId: client.clientId };
  await writeOver(service.store, consentKind, key, known, value, expiresAt);
}

/** Forgets what a person allowed one client, or every client: it has to ask again. */
export async function forgetConsent({ store }: Service, sub: string, clientId: string | undefined): Promise<void> {
  const all = await listAll(store, consentKind, sub);
  const theirs = all.filter(({ value }) => clientId === undefined || value.clientId === clientId);
  await Promise.all(theirs.map(({ id }) => store.take(consentKind, { owner: sub, id })));
}

/** What only marks what is new lies apart: it never counts as consent, whatever becomes of the client later. */
function keyOf(sub: string, client: Client, redirectUri: string, resource: string) {
  const counts = mayBeRemembered(client, redirectUri);
  const place = counts
    ? [new URL(redirectUri).origin]
    : [isLoopbackRedirect(redirectUri) ? "loopback" : redirectHost(redirectUri), "shown"];
  return { owner: sub, id: sha256(JSON.stringify([client.clientId, ...place, resource])) };
}
