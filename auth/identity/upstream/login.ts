import { z } from "zod";
import type { Upstream } from "../../../shared/config-upstreams.ts";
import { randomToken } from "../../../shared/hash.ts";
import type { Service } from "../../../shared/service.ts";
import { listAll } from "../../../shared/state/entries.ts";
import { type Key, type Kind, type Store, Unavailable } from "../../../shared/state/store.ts";
import { lifetimes } from "../../lifetimes.ts";
import type { UpstreamPerson } from "./claims.ts";

const TRIES = 5;

const loginCodec = z.strictObject({
  provider: z.string(),
  /** Whose token it is: the operator may give the provider's id to another. */
  issuer: z.string(),
  /** Whom the provider means, as it was at the sign-in. */
  person: z.string(),
  /** The provider's refresh token, sealed; gone with the end. */
  box: z.string().optional(),
  /** What the last check said. */
  profile: z.strictObject({ email: z.string().optional(), emailVerified: z.boolean().optional(), name: z.string().optional() }),
  groups: z.array(z.string()),
  /** The last check that got an answer. */
  checkedAt: z.number(),
  /** Nobody else checks before this: a check is under way, or one has failed a moment ago. */
  leaseUntil: z.number(),
  /** The provider does not let its person in any more. */
  endedAt: z.number().optional(),
});

/** One sign-in at a provider that gave a refresh token. Times are milliseconds since the epoch. */
export type UpstreamLogin = z.infer<typeof loginCodec>;

/** Owner: the subject. Id: random; sessions and grants point to it. Expires when the last of them can have. */
export const upstreamLoginKind: Kind<UpstreamLogin> = { name: "upstream_login", codec: loginCodec };

/** An issuer as it tells providers apart: whether the operator wrote the slash at its end is no difference. */
export function plainIssuer(issuer: string): string {
  return issuer.replace(/\/+$/, "");
}

/** Keeps a provider's refresh token. @returns What sessions and grants point to. */
export async function keepLogin(
  service: Service,
  subject: string,
  { id: provider, issuer }: Pick<Upstream, "id" | "issuer">,
  { subject: person, profile, groups }: UpstreamPerson,
  refreshToken: string,
): Promise<string> {
  const id = randomToken(16);
  const now = service.clock();
  const { sessionAbsolute, refreshAbsolute } = lifetimes(service);
  const box = sealToken(service, subject, id, refreshToken);
  const login: UpstreamLogin = {
    provider,
    issuer: plainIssuer(issuer),
    person,
    box,
    profile,
    groups: [...groups],
    checkedAt: now,
    leaseUntil: 0,
  };
  await service.store.create(upstreamLoginKind, { owner: subject, id }, login, now + sessionAbsolute + refreshAbsolute);
  return id;
}

/** Ends all sign-ins of a person at their providers: nobody goes on by them, and no refresh token is kept. */
export async function endLogins({ store, clock }: Pick<Service, "store" | "clock">, subject: string): Promise<void> {
  for (const { id } of await listAll(store, upstreamLoginKind, subject)) {
    await changeLogin(store, { owner: subject, id }, (login) => ended(login, clock()));
  }
}

/** The end of a sign-in at a provider. */
export function ended({ box: _useless, ...rest }: UpstreamLogin, now: number): UpstreamLogin {
  return { ...rest, endedAt: now, leaseUntil: 0 };
}

/**
 * Changes a sign-in that has not ended.
 * @returns What it is now, or nothing when there is none any more.
 * @throws {Unavailable} when the store is out of reach, or after {@link TRIES} lost races.
 */
export async function changeLogin(
  store: Store,
  key: Key,
  change: (login: UpstreamLogin) => UpstreamLogin,
): Promise<UpstreamLogin | undefined> {
  let failure: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      const entry = await store.get(upstreamLoginKind, key);
      if (!entry || entry.value.endedAt !== undefined) return entry?.value;
      const next = change(entry.value);
      if (await store.replace(upstreamLoginKind, key, entry.version, next, entry.expiresAt)) return next;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      failure = error;
    }
  }
  throw failure ?? new Unavailable("an upstream sign-in changed too often");
}

export function sealToken({ sealer }: Service, subject: string, id: string, token: string): string {
  return sealer.seal(purposeOf(subject, id), token);
}

/** @throws {SealError} */
export function openToken({ sealer }: Service, subject: string, id: string, box: string): string {
  return sealer.open(purposeOf(subject, id), box);
}

/** A box that was moved to another record does not open there. */
function purposeOf(subject: string, id: string): string {
  return `upstream refresh token ${subject} ${id}`;
}
