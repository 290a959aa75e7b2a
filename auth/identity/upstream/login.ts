import { z } from "zod";
import { randomToken } from "../../../shared/hash.ts";
import type { Service } from "../../../shared/service.ts";
import type { Kind } from "../../../shared/state/store.ts";
import { lifetimes } from "../../lifetimes.ts";
import type { UpstreamPerson } from "./claims.ts";

const loginCodec = z.strictObject({
  provider: z.string(),
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

/** Keeps a provider's refresh token. @returns What sessions and grants point to. */
export async function keepLogin(
  service: Service,
  subject: string,
  provider: string,
  { subject: person, profile, groups }: UpstreamPerson,
  refreshToken: string,
): Promise<string> {
  const id = randomToken(16);
  const now = service.clock();
  const { sessionAbsolute, refreshAbsolute } = lifetimes(service);
  const box = sealToken(service, subject, id, refreshToken);
  const login: UpstreamLogin = { provider, person, box, profile, groups: [...groups], checkedAt: now, leaseUntil: 0 };
  await service.store.create(upstreamLoginKind, { owner: subject, id }, login, now + sessionAbsolute + refreshAbsolute);
  return id;
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
