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

/** A grant that lives, and until when what was seen of it, its client and its subject is fresh, in milliseconds since the epoch. */
export interface Living {
  readonly grant: Grant;
  readonly until: number;
}

export interface Liveness {
  /**
   * The living grant behind a token, at once when all there is to know is fresh.
   * @throws {BearerError} when it, the client or the subject is not alive.
   */
  check(claims: AccessTokenClaims): Awaitable<Living>;
  /** Whether the client or the subject is disabled, or was cut off after what began at `since` (seconds). */
  isCutOff(subject: string, clientId: string, since: number): Promise<boolean>;
  forget(grantId: string): void;
}

export function createLiveness({ store, clock }: { readonly store: Store; readonly clock: () => number }): Liveness {
  const grants = createCache<Grant>(clock);
  const clients = createCache<Lock>(clock);
  const subjects = createCache<Lock>(clock);

  function locksOf(sub: string, clientId: string) {
    return Promise.all([
      clients.get(keyOf(clientId), () => store.get(clientStateKind, { id: sha256(clientId) })),
      subjects.get(sub, () => store.get(subjectStateKind, { id: sub })),
    ]);
  }

  async function read(claims: AccessTokenClaims): Promise<Living> {
    const { sub, gid, client_id: clientId } = claims;
    const [grant, [client, subject]] = await Promise.all([
      grants.get(gid, () => store.get(grantKind, { owner: sub, id: gid })),
      locksOf(sub, clientId),
    ]);
    return judge(claims, grant, client, subject);
  }

  return {
    async isCutOff(sub, clientId, since) {
      const [client, subject] = await locksOf(sub, clientId);
      return isLocked(client.value, since) || isLocked(subject.value, since);
    },
    check(claims) {
      const { sub, gid, client_id: clientId } = claims;
      const grant = grants.fresh(gid);
      const client = clients.fresh(keyOf(clientId));
      const subject = subjects.fresh(sub);
      return grant && client && subject ? judge(claims, grant, client, subject) : read(claims);
    },
    forget: (grantId) => grants.forget(grantId),
  };
}

/** Characters; every client id of ours and every sane address is shorter. */
const MAX_PLAIN_KEY = 256;

/** What a stranger calls itself may be long, and is kept by its hash then. */
function keyOf(clientId: string): string {
  return clientId.length > MAX_PLAIN_KEY ? sha256(clientId) : clientId;
}

function judge(claims: AccessTokenClaims, grant: Seen<Grant>, client: Seen<Lock>, subject: Seen<Lock>): Living {
  const { value } = grant;
  if (value?.state !== "active" || value.clientId !== claims.client_id) throw new BearerError("invalid", "The access was revoked.");
  if (isRevoked(value, claims)) throw new BearerError("invalid", "The access token was revoked.");
  if (isLocked(client.value, claims.iat) || isLocked(subject.value, claims.iat)) {
    throw new BearerError("invalid", "The account or the client is disabled, or was signed out everywhere.");
  }
  return { grant: value, until: Math.min(grant.at, client.at, subject.at) + MAX_AGE };
}

function isRevoked({ deadJtis, notBefore = 0 }: Grant, { jti, iat }: AccessTokenClaims): boolean {
  return iat * 1000 < notBefore || deadJtis.some((dead) => dead.jti === jti);
}

function isLocked(lock: Lock | undefined, since: number): boolean {
  return lock !== undefined && (lock.disabled || since * 1000 < (lock.notBefore ?? 0));
}

/** A record, or that there is none, and when the read of it began. */
interface Seen<T> {
  readonly value: T | undefined;
  readonly at: number;
}

interface Cached<T> {
  readonly at: number;
  readonly reading: Promise<Seen<T>>;
  /** Set once it has been read. */
  seen?: Seen<T>;
}

/** One read serves everyone who asks within {@link MAX_AGE}; a failed read is not remembered. */
function createCache<T>(clock: () => number) {
  const cache = new LRUCache<string, Cached<T>>({ max: MAX_ENTRIES });
  return {
    get(id: string, read: () => Promise<{ readonly value: T } | undefined>): Promise<Seen<T>> {
      const known = cache.get(id);
      const at = clock();
      if (known && at - known.at < MAX_AGE) return known.reading;
      const cached: Cached<T> = { at, reading: read().then((entry) => ({ value: entry?.value, at })) };
      cache.set(id, cached);
      cached.reading.then(
        (seen) => {
          cached.seen = seen;
        },
        () => cache.delete(id),
      );
      return cached.reading;
    },
    /** What was read lately, if it was. */
    fresh(id: string): Seen<T> | undefined {
      const known = cache.get(id);
      return known && clock() - known.at < MAX_AGE ? known.seen : undefined;
    },
    forget: (id: string) => void cache.delete(id),
  };
}
