import type { Profile } from "../../../shared/capabilities/capability.ts";
import type { Config } from "../../../shared/config.ts";
import type { ClaimNames, Upstream } from "../../../shared/config-upstreams.ts";
import { isObject } from "../../../shared/is-object.ts";
import { domainOf, normalizeEmail } from "../email-address.ts";
import { UpstreamFault } from "./fault.ts";

/** Claims of an ID token or of userinfo. */
export type Claims = Readonly<Record<string, unknown>>;

/** Who signed in at a provider, in our words. */
export interface UpstreamPerson {
  /** Names one person of this provider for ever. */
  readonly subject: string;
  readonly profile: Profile;
  readonly groups: readonly string[];
}

const MAX_SUBJECT = 512;
const MAX_NAME = 200;
const MAX_GROUPS = 200;
const MAX_GROUP = 200;

/**
 * @param signed The ID token's claims: the subject is taken from them alone.
 * @param told What userinfo adds.
 * @throws {UpstreamFault} when there is no subject.
 */
export function personFrom(upstream: Upstream, config: Config, signed: Claims, told: Claims = {}): UpstreamPerson {
  const { claims: names, tenants } = upstream;
  const subject = find(signed, names.subject);
  if (typeof subject !== "string" || subject === "" || subject.length > MAX_SUBJECT) throw new UpstreamFault("refused", "subject");
  const claim = (name: keyof ClaimNames) => find(signed, names[name]) ?? find(told, names[name]);
  const name = claim("name");
  return {
    // Where an issuer is for many tenants, each counts its own people.
    subject: tenants === undefined ? subject : `${String(signed["iss"])} ${subject}`,
    profile: {
      ...addressIn(upstream, [signed, told]),
      ...(typeof name === "string" && name !== "" ? { name: nameOf(name) } : {}),
    },
    groups: groupsOf(claim("groups"), config),
  };
}

/** Whether something is missing that userinfo may know (OpenID Connect Core §5.3). */
export function isIncomplete({ claims: names, trustsEmail }: Upstream, config: Config, claims: Claims): boolean {
  const wanted: (keyof ClaimNames)[] = ["email", "name"];
  if (!trustsEmail) wanted.push("emailVerified");
  if (groupsThatMatter(config).length > 0) wanted.push("groups");
  return wanted.some((name) => find(claims, names[name]) === undefined);
}

/** By that very name, since names may be addresses with dots in them; or else member by member along the dots. */
function find(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name] ?? undefined;
  return name
    .split(".")
    .reduce<unknown>((value, member) => (isObject(value) && Object.hasOwn(value, member) ? value[member] : undefined), claims);
}

/** One line, of whole characters: it stands on pages and in tokens. */
function nameOf(name: string): string {
  return name
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, MAX_NAME)
    .toWellFormed();
}

/** The first address, and what is said of it: a flag tells of the address beside it and of no other. */
function addressIn(upstream: Upstream, sources: readonly Claims[]): Profile {
  const { claims: names } = upstream;
  const found = sources.map((source) => ({ email: emailOf(find(source, names.email)), verified: find(source, names.emailVerified) }));
  const email = found.find((source) => source.email !== undefined)?.email;
  if (email === undefined) return {};
  const said = found.find((source) => source.email === email && source.verified !== undefined);
  return { email, emailVerified: isVerified(upstream, email, said?.verified) };
}

function emailOf(claim: unknown): string | undefined {
  return typeof claim === "string" ? normalizeEmail(claim) : undefined;
}

/** A provider of one domain's people vouches for no other's addresses. Some write booleans as text. */
function isVerified({ trustsEmail, domains }: Upstream, email: string, verified: unknown): boolean {
  if (domains && !domains.includes(domainOf(email))) return false;
  return verified === undefined ? trustsEmail : verified === true || verified === "true";
}

/** Those that rules name come first, so that whoever is in very many groups loses none that matters. */
function groupsOf(claim: unknown, config: Config): readonly string[] {
  const all = (Array.isArray(claim) ? claim : [claim]).filter((group): group is string => typeof group === "string" && group !== "");
  const fitting = [...new Set(all)].filter((group) => group.length <= MAX_GROUP);
  const matter = new Set(groupsThatMatter(config));
  return [...fitting.filter((group) => matter.has(group)), ...fitting.filter((group) => !matter.has(group))].slice(0, MAX_GROUPS);
}

function groupsThatMatter({ admission, scopeRules }: Config): readonly string[] {
  return [...(admission?.groups ?? []), ...Object.values(scopeRules).flat()];
}
