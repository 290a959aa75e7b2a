import type { Service } from "../../shared/service.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import { type Entry, type Key, Unavailable } from "../../shared/state/store.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Handle } from "./handles.ts";

/** What a step makes of a grant: the next grant to write with its expiry, and what the caller gets once that is done. */
export interface Step<T> {
  readonly next?: { readonly grant: Grant; readonly expiresAt: number };
  readonly result: T;
}

const TRIES = 5;

/**
 * One step of a grant's life: read, decide, one compare-and-set. A step that lost the race decides again on what the
 * winner left.
 * @param first The grant as it was read a moment ago, if it was: saves the first read.
 * @throws {OAuthError} `invalid_grant` when there is no such grant.
 * @throws {Unavailable} after {@link TRIES} lost races.
 */
export async function stepGrant<T>(
  service: Service,
  handle: Handle,
  decide: (entry: Entry<Grant>) => Promise<Step<T>> | Step<T>,
  first?: Entry<Grant>,
): Promise<T> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = attempt === 0 && first?.id === handle.grantId ? first : await readGrant(service, handle);
    if (!entry) throw new OAuthError("invalid_grant", "The grant is not known, or it has expired.");
    const { next, result } = await decide(entry);
    if (!next) return result;
    if (await service.store.replace(grantKind, keyOf(handle), entry.version, next.grant, next.expiresAt)) {
      if (next.grant.state === "dead") service.bearer.forget(handle.grantId);
      return result;
    }
  }
  throw new Unavailable("a grant changed too often");
}

export function readGrant({ store }: Service, handle: Handle): Promise<Entry<Grant> | undefined> {
  return store.get(grantKind, keyOf(handle));
}

/** Where a grant is kept: with its owner. */
export function keyOf({ subject, grantId }: Handle): Key {
  return { owner: subject, id: grantId };
}

/** When an active grant's record expires. */
export function expiryOf(grant: Grant): number {
  return Math.min(grant.idleExpiresAt ?? grant.absoluteExpiresAt, grant.absoluteExpiresAt);
}

/** The end of a grant: nothing of it works again, and its record stays for a while to say so. */
export function killed(grant: Grant, reason: string, now: number): { readonly grant: Grant; readonly expiresAt: number } {
  const { current: _current, previous: _previous, reply: _reply, ...rest } = grant;
  return { grant: { ...rest, state: "dead", diedAt: now, diedOf: reason }, expiresAt: now + LIFETIMES.deadGrant };
}
