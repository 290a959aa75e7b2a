import { LRUCache } from "lru-cache";
import { sha256 } from "../hash.ts";
import { clientStateKind, type Grant, grantKind, type Lock, subjectStateKind } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { BearerError } from "./bearer-error.ts";
import type { AccessTokenClaims } from "./signature.ts";

/**
 * How old an answer may be, in milliseconds: a revocation takes effect everywhere within this time. It counts from the
 * start of the read, so that a slow read does not stretch it. That is safe because ten seconds are what is promised.
 */
const MAX_AGE = 10_000;
const MAX_ENTRIES = 50_000;

export interface Liveness {
  /** The living grant behind a token. @throws {BearerError} when it, the client or the subject is not alive. */
  check(claims: AccessTokenClaims): Promise<Grant>;
  /** Whether the client or the subject is disabled, or was cut off after what began at `since` (seconds). */
  isCutOff(subject: string, clientId: string, since: number): Promise<boolean>;
  forget(grantId: string): void;
}

export function createLiveness({ store, clock }: { readonly store: Store; readonly clock: () => number }): Liveness {
  const grants = createCache<Grant>(clock);
  const clients = createCache<Lock>(clock);
  const subjects = createCache<Lock>(clock);

  async function isCutOff(sub: string, clientId: string, since: number): Promise<boolean> {
    // By its hash, as in the store: what a stranger calls itself may be long.
    const hash = sha256(clientId);
    const [client, subject] = await Promise.all([
      clients.get(hash, () => store.get(clientStateKind, { id: hash })),
      subjects.get(sub, () => store.get(subjectStateKind, { id: sub })),
    ]);
    return isLocked(client, since) || isLocked(subject, since);
  }

  return {
    isCutOff,
    async check(claims) {
      const { sub, gid, client_id: clientId } = claims;
      const [grant, cutOff] = await Promise.all([
        grants.get(gid, () => store.get(grantKind, { owner: sub, id: gid })),
        isCutOff(sub, clientId, claims.iat),
      ]);
      if (grant?.state !== "active" || grant.clientId !== clientId) throw new BearerError("invalid", "The access was revoked.");
      if (isRevoked(grant, claims)) throw new BearerError("invalid", "The access token was revoked.");
      if (cutOff) throw new BearerError("invalid", "The account or the client is disabled, or was signed out everywhere.");
      return grant;
    },
    forget: (grantId) => grants.forget(grantId),
  };
}

function isRevoked({ deadJtis, notBefore = 0 }: Grant, { jti, iat }: AccessTokenClaims): boolean {
  return iat * 1000 < notBefore || deadJtis.some((dead) => dead.jti === jti);
}

function isLocked(lock: Lock | undefined, since: number): boolean {
  return lock !== undefined && (lock.disabled || since * 1000 < (lock.notBefore ?? 0));
}

/** One read serves everyone who asks within {@link MAX_AGE}; a failed read is not remembered. */
function createCache<T>(clock: () => number) {
  const cache = new LRUCache<string, { readonly at: number; readonly value: Promise<T | undefined> }>({ max: MAX_ENTRIES });
  return {
    get(id: string, read: () => Promise<{ readonly value: T } | undefined>): Promise<T | undefined> {
      const known = cache.get(id);
      const at = clock();
      if (known && at - known.at < MAX_AGE) return known.value;
      const value = read().then((entry) => entry?.value);
      cache.set(id, { at, value });
      value.catch(() => cache.delete(id));
      return value;
    },
    forget: (id: string) => void cache.delete(id),
  };
}
