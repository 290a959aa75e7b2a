import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Kind } from "../../shared/state/store.ts";
import { type Client, isPreRegistered, isPublic } from "../clients/client.ts";
import { LIFETIMES } from "../lifetimes.ts";

/** Owner: the subject. Id: the hash of client, redirect origin and resource. Expires after 180 days. */
const consentKind: Kind<{ scopes: string[]; at: number }> = {
  name: "consent",
  codec: z.strictObject({ scopes: z.array(z.string()), at: z.number() }),
};

interface Asked {
  readonly scopes: readonly string[];
  readonly resource: string;
}

/**
 * Only a client that an operator vouches for, that proves itself and that lives on the web is remembered: anyone may
 * pretend to be another (RFC 8252 §8.6, RFC 9700 §4.11).
 */
function mayBeRemembered(client: Client, redirectUri: string): boolean {
  return isPreRegistered(client) && !isPublic(client) && redirectUri.startsWith("https://");
}

/** Whether this person has already allowed all that is asked. */
export async function isRemembered(service: Service, sub: string, client: Client, redirectUri: string, asked: Asked): Promise<boolean> {
  if (!mayBeRemembered(client, redirectUri)) return false;
  const scopes = await rememberedScopes(service, sub, client, redirectUri, asked.resource);
  return asked.scopes.every((scope) => scopes.includes(scope));
}

/** What this person has allowed this client before; empty for clients that are not remembered. */
export async function rememberedScopes(
  service: Service,
  sub: string,
  client: Client,
  redirectUri: string,
  resource: string,
): Promise<readonly string[]> {
  if (!mayBeRemembered(client, redirectUri)) return [];
  return (await service.store.get(consentKind, keyOf(sub, client, redirectUri, resource)))?.value.scopes ?? [];
}

/** Adds what was allowed to what is remembered. A lost race costs the person one more page, no more. */
export async function remember(
  service: Service,
  sub: string,
  client: Client,
  redirectUri: string,
  { scopes, resource }: Asked,
): Promise<void> {
  if (!mayBeRemembered(client, redirectUri)) return;
  const key = keyOf(sub, client, redirectUri, resource);
  const now = service.clock();
  const expiresAt = now + LIFETIMES.consent;
  const known = await service.store.get(consentKind, key);
  if (!known) await service.store.create(consentKind, key, { scopes: [...scopes], at: now }, expiresAt);
  else
    await service.store.replace(
      consentKind,
      key,
      known.version,
      { scopes: [...new Set([...known.value.scopes, ...scopes])], at: now },
      expiresAt,
    );
}

function keyOf(sub: string, client: Client, redirectUri: string, resource: string) {
  return { owner: sub, id: sha256(JSON.stringify([client.clientId, new URL(redirectUri).origin, resource])) };
}
