import type { Profile } from "../../../shared/capabilities/capability.ts";
import type { Service } from "../../../shared/service.ts";
import { Unavailable } from "../../../shared/state/store.ts";
import type { Trail } from "../../audit.ts";
import { endGrants, listGrants } from "../../grants/limit-grants.ts";
import type { UpstreamPerson } from "./claims.ts";
import { UpstreamFault } from "./fault.ts";
import { changeLogin, ended, openToken, plainIssuer, sealToken, type UpstreamLogin, upstreamLoginKind } from "./login.ts";
import { createProviders, type Provider } from "./provider.ts";
import { refreshUpstream } from "./tokens.ts";

/** The sign-in behind a session or a grant. */
export interface Vouched {
  readonly subject: string;
  /** Absent for the e-mail sign-in, which no provider vouches for. */
  readonly upstream:
    | { readonly provider: string; readonly login?: string | undefined; readonly groups?: readonly string[] | undefined }
    | undefined;
  /** As it was at the sign-in. */
  readonly profile: Profile | undefined;
  /** When that was, in milliseconds since the epoch. */
  readonly since: number;
}

/**
 * What is known of a person at their provider. `stands`: they may still sign in there, with these claims. `ended`: the
 * provider said no. `unknown`: it has said nothing for longer than UPSTREAM_CHECK_LIMIT.
 */
export type Standing =
  | { readonly state: "stands"; readonly profile: Profile; readonly groups: readonly string[] }
  | { readonly state: "ended" }
  | { readonly state: "unknown" };

/** Longer than all requests of a check may take together, in milliseconds. */
const LEASE = 30_000;
/** After a check that got no answer, in milliseconds. */
const PAUSE = 60_000;
const TRIES = 5;

/**
 * Whether the provider still vouches for a person. It is asked at most once in UPSTREAM_CHECK_EVERY for each sign-in, by
 * whoever holds the lease; all others go by the last result. An outage neither ends anything nor counts as a yes for
 * longer than UPSTREAM_CHECK_LIMIT.
 * @throws {Unavailable} when the store is out of reach.
 */
export async function checkUpstream(
  service: Service,
  exchange: Trail,
  { subject, upstream, profile = {}, since }: Vouched,
): Promise<Standing> {
  if (!upstream) return { state: "stands", profile, groups: [] };
  const provider = service.part(createProviders).get(upstream.provider);
  const { login, groups = [] } = upstream;
  const limit = service.config.upstreamChecks.limit;
  // Without a refresh token nobody can be asked; a provider that the operator took away vouches for nobody.
  if (login === undefined) {
    return provider || service.clock() - since < limit ? { state: "stands", profile, groups } : { state: "unknown" };
  }
  const key = { owner: subject, id: login };
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const entry = await service.store.get(upstreamLoginKind, key);
    if (!entry) return { state: "ended" };
    const { checkedAt, leaseUntil, endedAt, issuer } = entry.value;
    if (endedAt !== undefined) return { state: "ended" };
    const now = service.clock();
    if (
      !provider ||
      plainIssuer(provider.upstream.issuer) !== issuer ||
      now - checkedAt < service.config.upstreamChecks.every ||
      now < leaseUntil
    )
      return lastResult(service, entry.value);
    const held = { ...entry.value, leaseUntil: now + LEASE };
    if (!(await service.store.replace(upstreamLoginKind, key, entry.version, held, entry.expiresAt))) continue;
    const standing = await conclude(service, subject, login, await ask(service, provider, subject, login, held));
    if (standing.state === "ended") await endGrantsOf(service, exchange, subject, login);
    return standing;
  }
  throw new Unavailable("an upstream sign-in changed too often");
}

/** What the sign-in led to ends with it: at once here, within ten seconds everywhere. */
async function endGrantsOf(service: Service, exchange: Trail, subject: string, login: string): Promise<void> {
  const grants = (await listGrants(service, subject)).filter(({ value }) => value.upstream?.login === login);
  await endGrants(service, exchange, subject, grants, "upstream");
}

function lastResult({ clock, config }: Service, { profile, groups, checkedAt }: UpstreamLogin): Standing {
  return clock() - checkedAt < config.upstreamChecks.limit ? { state: "stands", profile, groups } : { state: "unknown" };
}

/** What a check makes of the record. */
type Finding = (login: UpstreamLogin, now: number) => UpstreamLogin;

async function ask(service: Service, provider: Provider, subject: string, id: string, login: UpstreamLogin): Promise<Finding> {
  const tell = (reason: string) =>
    service.log.warn({ provider: provider.upstream.id, subject, reason }, "an upstream check did not go well");
  const unanswered: Finding = (current, now) => ({ ...current, leaseUntil: now + PAUSE });
  try {
    const token = openToken(service, subject, id, login.box ?? "");
    const { person, refreshToken, fault } = await refreshUpstream(service, provider, token, login.person);
    if (person && person.subject !== login.person) throw new UpstreamFault("refused", "another_person");
    const box = refreshToken === undefined ? undefined : sealToken(service, subject, id, refreshToken);
    const found: Finding = fault ? unanswered : (current, now) => ({ ...current, ...saidOf(person), checkedAt: now, leaseUntil: 0 });
    if (fault) tell(fault.reason);
    return (current, now) => ({ ...found(current, now), ...(box === undefined ? {} : { box }) });
  } catch (error) {
    tell(error instanceof UpstreamFault ? error.reason : String(error));
    // Nothing else says for certain that the person, and not the provider or our settings, is the cause.
    if (error instanceof UpstreamFault && error.kind === "refused" && error.reason === "invalid_grant") return ended;
    return unanswered;
  }
}

function saidOf(person: UpstreamPerson | undefined): Partial<UpstreamLogin> {
  return person ? { profile: person.profile, groups: [...person.groups] } : {};
}

/** Writes a finding. The provider may have replaced its refresh token meanwhile, so that this is tried again where it can be. */
async function conclude(service: Service, subject: string, id: string, finding: Finding): Promise<Standing> {
  const login = await changeLogin(service.store, { owner: subject, id }, (current) => finding(current, service.clock()));
  return login && login.endedAt === undefined ? lastResult(service, login) : { state: "ended" };
}
