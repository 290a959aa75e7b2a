import { sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { writeOver } from "../../shared/state/entries.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import { type Entry, Unavailable } from "../../shared/state/store.ts";
import type { AuthenticatedClient } from "../clients/authentication.ts";
import { expiryOf, keyOf, readGrant, USE_WRITTEN_EVERY } from "./grants.ts";
import type { Handle } from "./handles.ts";

/**
 * What a client may do in its own name (RFC 6749 §4.4): one standing grant for each of its resources. The owner is
 * `client:` and its id, which no person's `sub` can be, because those have no colon (RFC 9700 §4.15).
 */
export interface StandingGrant extends Handle {
  readonly grant: Grant;
}

const TRIES = 5;

export function machineHandle(clientId: string, resource: string): Handle {
  return { subject: `client:${clientId}`, grantId: `cc:${sha256(JSON.stringify([clientId, resource]))}` };
}

/**
 * The standing grant, made at its first use. One that was ended stands again, and the tokens from before stay dead: who
 * is to be kept out is disabled as a client.
 * @param scopes All that the client may have now.
 */
export async function standingGrant(
  service: Service,
  { client, method }: AuthenticatedClient,
  resource: string,
  scopes: readonly string[],
  first: Entry<Grant> | undefined,
): Promise<StandingGrant> {
  const handle = machineHandle(client.clientId, resource);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = attempt === 0 && first?.id === handle.grantId ? first : await readGrant(service, handle);
    const now = service.clock();
    const known = entry?.value;
    if (known && isCurrent(known, scopes, now)) return { ...handle, grant: known };
    const grant: Grant = {
      state: "active",
      clientId: client.clientId,
      authMethod: method,
      scopes: [...scopes],
      resource,
      createdAt: known?.createdAt ?? now,
      lastIssuedAt: now,
      ...whatIsDead(known, now),
    };
    if (!(await writeOver(service.store, grantKind, keyOf(handle), entry, grant, expiryOf(grant)))) continue;
    if (known?.state === "dead") service.bearer.forget(handle.grantId);
    return { ...handle, grant };
  }
  throw new Unavailable("a grant changed too often");
}

function isCurrent({ state, scopes, lastIssuedAt = 0 }: Grant, wanted: readonly string[], now: number): boolean {
  return state === "active" && now - lastIssuedAt < USE_WRITTEN_EVERY && scopes.join(" ") === wanted.join(" ");
}

/** Tokens have whole seconds: those of the second in which the grant ended are dead too. */
function whatIsDead(known: Grant | undefined, now: number): Pick<Grant, "deadJtis" | "notBefore"> {
  if (known?.state === "dead") return { deadJtis: [], notBefore: (Math.floor((known.diedAt ?? 0) / 1000) + 1) * 1000 };
  const deadJtis = (known?.deadJtis ?? []).filter(({ exp }) => exp * 1000 > now);
  return known?.notBefore === undefined ? { deadJtis } : { deadJtis, notBefore: known.notBefore };
}
