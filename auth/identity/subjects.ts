import { z } from "zod";
import { randomToken, sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { type Kind, Unavailable } from "../../shared/state/store.ts";

/** Who a provider's user is here. Id: the hash of provider and upstream subject. Never expires. */
const identityKind: Kind<{ sub: string }> = { name: "identity", codec: z.strictObject({ sub: z.string() }) };

/**
 * The subject of a provider's user: random, made once, never an e-mail or derived from one, so that accounts are not
 * linked by e-mail and an address that changes hands does not carry an account with it.
 * @param provider "email", or the id and the issuer of an upstream provider: an id may be given to another.
 */
export async function subjectOf({ store }: Service, provider: string, upstreamSubject: string): Promise<string> {
  const key = { id: sha256(JSON.stringify([provider, upstreamSubject])) };
  for (let attempt = 0; attempt < 3; attempt++) {
    const known = await store.get(identityKind, key);
    if (known) return known.value.sub;
    const sub = randomToken(16);
    if (await store.create(identityKind, key, { sub }, null)) return sub;
  }
  throw new Unavailable("an identity cannot be made");
}
