import { LRUCache } from "lru-cache";
import type { Awaitable } from "../awaitable.ts";
import { sha256 } from "../hash.ts";
import { clientStateKind, type Grant, grantKind, type Lock, subjectStateKind } from "../state/records.ts";
import type { Store } from "../state/store.ts";
import { BearerError } from "./bearer-error.ts";
import type { AccessTokenClaims } from "./signature.ts";

/**
 * How old an answer may be, in milliseconds. It counts from the start of the read, so that a slow read does not stretch
 * it. A revocation takes effect everywhere within ten seconds: what is open, streams and tasks, is looked at every two and
 * a half, and may be given an answer of this age.
 */
const MAX_AGE = 7_500;
const MAX_ENTRIES = 20_000;

export interface Liveness {
  /**
   * The living grant behind a token, at once when all there is to know is fresh.
   * @throws {BearerError} when it, the client or the subject is not alive.
   */
  check(claims: AccessTokenClaims): Awaitable<Grant>;
  /** Whether the client or the subject is disabled, or was cut off after what began at `since` (seconds). */
  isCutOff(subject: string, clientId: string, since: number): Promise<boolean>;
  /** Until when what is known of a token's grant, client and subject is fresh, in milliseconds since the epoch. */
  knownUntil(claims: AccessTokenClaims): number;
  forget(grantId: string): void;
}

export function createLiveness({ store, clock }: { readonly store: Store; readonly clock: () => number }): Liveness {
  const grants = createCache<Grant>(clock);
  const clients = createCache<Lock>(clock);
  const subjects = createCache<Lock>(clock);

  async function isCutOff(sub: string, clientId: string, since: number): Promise<boolean> {
    const [client, subject] = await Promise.all([
      clients.get(keyOf(clientId), () => store.get(clientStateKind, { id: sha256(clientId) })),
      subjects.get(sub, () => store.get(subjectStateKind, { id: sub })),
    ]);
    return isLocked(client, since) || isLocked(subject, since);
  }

  async function read(claims: AccessTokenClaims): Promise<Grant> {
    const { sub, gid, client_id: clientId } = claims;
    const [grant, cutOff] = await Promise.all([
      grants.get(gid, () => store.get(grantKind, { owner: sub, id: gid })),
      isCutOff(sub, clientId, claims.iat),
    ]);
    return judge(claims, grant, cutOff);
  }

  return {
    isCutOff,
    check(claims) {
      const { sub, gid, client_id: clientId, iat } = claims;
      const grant = grants.fresh(gid);
      const client = clients.fresh(keyOf(clientId));
      const subject = subjects.fresh(sub);
      if (!grant || !client || !subject) return read(claims);
      return judge(claims, grant.value, isLocked(client.value, iat) || isLocked(subject.value, iat));
    },
    knownUntil: ({ sub, gid, client_id: clientId }) =>
      Math.min(grants.knownUntil(gid), clients.knownUntil(keyOf(clientId)), subjects.knownUntil(sub)),
    forget: (grantId) => grants.forget(grantId),
  };
}

/** Characters; every client id of ours and every sane address is shorter. */
const MAX_PLAIN_KEY = 256;

/** What a stranger calls itself may be long, and is kept by its hash then. */
function keyOf(clientId: string): string {
  return clientId.length > MAX_PLAIN_KEY ? sha256(clientId) : clientId;
}

function judge(claims: AccessTokenClaims, grant: Grant | undefined, cutOff: boolean): Grant {
  if (grant?.state !== "active" || grant.clientId !== claims.client_id) throw new BearerError("invalid", "The access was revoked.");
  if (isRevoked(grant, claims)) throw new BearerError("invalid", "The access token was revoked.");
  if (cutOff) throw new BearerError("invalid", "The account or the client is disabled, or was signed out everywhere.");
  return grant;
}

function isRevoked({ deadJtis, notBefore = 0 }: Grant, { jti, iat }: AccessTokenClaims): boolean {
  return iat * 1000 < notBefore || deadJtis.some((dead) => dead.jti === jti);
}

function isLocked(lock: Lock | undefined, since: number): boolean {
  return lock !== undefined && (lock.disabled || since * 1000 < (lock.notBefore ?? 0));
}

interface Cached<T> {
  readonly at: number;
  readonly reading: Promise<T | undefined>;
  /** Set once it has been read. */
  found?: { readonly value: T | undefined };
}

/** One read serves everyone who asks within {@link MAX_AGE}; a failed read is not remembered. */
function createCache<T>(clock: () => number) {
  const cache = new LRUCache<string, Cached<T>>({ max: MAX_ENTRIES });
  return {
    get(id: string, read: () => Promise<{ readonly value: T } | undefined>): Promise<T | undefined> {
      const known = cache.get(id);
      const at = clock();
      if (known && at - known.at < MAX_AGE) return known.reading;
      const cached: Cached<T> = { at, reading: read().then((entry) => entry?.value) };
      cache.set(id, cached);
      cached.reading.then(
        (value) => {
          cached.found = { value };
        },
        () => cache.delete(id),
      );
      return cached.reading;
    },
    /** What was read lately, if it was. */
    fresh(id: string): { readonly value: T | undefined } | undefined {
      const known = cache.get(id);
      return known && clock() - known.at < MAX_AGE ? known.found : undefined;
    },
    knownUntil: (id: string): number => (cache.peek(id)?.at ?? Number.NEGATIVE_INFINITY) + MAX_AGE,
    forget: (id: string) => void cache.delete(id),
  };
}
