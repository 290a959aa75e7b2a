import type { BearerVerifier } from "../../shared/bearer/bearer.ts";
import type { Config } from "../../shared/config.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import { type Entry, type Key, type Store, Unavailable } from "../../shared/state/store.ts";
import { lifetimes } from "../lifetimes.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Handle } from "./handles.ts";

/** What the steps of a grant's life take. A service has it, and so has an operator's command. */
export interface GrantKeeper {
  readonly config: Config;
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly bearer: Pick<BearerVerifier, "forget">;
}

/** What a step makes of a grant: the next grant to write with its expiry, and what the caller gets once that is done. */
export interface Step<T> {
  readonly next?: { readonly grant: Grant; readonly expiresAt: number | null };
  readonly result: T;
}

/** Why a grant ended. */
export type EndReason = "code_replay" | "refresh_reuse" | "not_admitted" | "revoked" | "too_many" | "operator" | "account" | "upstream";

const TRIES = 5;

/**
 * One step of a grant's life: read, decide, one compare-and-set. A step that lost the race decides again on what the
 * winner left.
 * @param first The grant as it was read a moment ago, if it was: saves the first read.
 * @throws {OAuthError} `invalid_grant` when there is no such grant.
 * @throws {Unavailable} after {@link TRIES} lost races.
 */
export async function stepGrant<T>(
  keeper: GrantKeeper,
  handle: Handle,
  decide: (entry: Entry<Grant>) => Promise<Step<T>> | Step<T>,
  first?: Entry<Grant>,
): Promise<T> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = attempt === 0 && first?.id === handle.grantId ? first : await readGrant(keeper, handle);
    if (!entry) throw new OAuthError("invalid_grant", "The grant is not known, or it has expired.");
    const { next, result } = await decide(entry);
    if (!next) return result;
    if (await keeper.store.replace(grantKind, keyOf(handle), entry.version, next.grant, next.expiresAt)) {
      if (next.grant.state === "dead") keeper.bearer.forget(handle.grantId);
      return result;
    }
  }
  throw new Unavailable("a grant changed too often");
}

export function readGrant({ store }: Pick<GrantKeeper, "store">, handle: Handle): Promise<Entry<Grant> | undefined> {
  return store.get(grantKind, keyOf(handle));
}

/** Where a grant is kept: with its owner. */
export function keyOf({ subject, grantId }: Handle): Key {
  return { owner: subject, id: grantId };
}

/** When an active grant's record expires; `null` for a machine's, which stands. */
export function expiryOf({ idleExpiresAt, absoluteExpiresAt }: Grant): number | null {
  const end = Math.min(idleExpiresAt ?? Number.POSITIVE_INFINITY, absoluteExpiresAt ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(end) ? end : null;
}

/** The end of a grant: nothing of it works again, and its record stays for a while to say so. */
export function killed(
  { clock, ...keeper }: Pick<GrantKeeper, "config" | "clock">,
  grant: Grant,
  reason: EndReason,
): { readonly grant: Grant; readonly expiresAt: number } {
  const { current: _current, previous: _previous, reply: _reply, ...rest } = grant;
  const now = clock();
  return { grant: { ...rest, state: "dead", diedAt: now, diedOf: reason }, expiresAt: now + lifetimes(keeper).deadGrant };
}

/** How often a use that changes nothing else is written down, in milliseconds: idle life and "last access" count from it. */
export const USE_WRITTEN_EVERY = 60 * 60 * 1000;

/**
 * Ends a grant that somebody other than its client wants to end.
 * @returns Whether it was alive.
 */
export async function endGrant(keeper: GrantKeeper, handle: Handle, reason: EndReason): Promise<boolean> {
  try {
    return await stepGrant(keeper, handle, ({ value }) =>
      value.state === "dead" ? { result: false } : { next: killed(keeper, value, reason), result: true },
    );
  } catch (error) {
    // It expired meanwhile, which is as good.
    if (error instanceof OAuthError) return false;
    throw error;
  }
}
