import type { Profile } from "../../shared/capabilities/capability.ts";
import type { Config } from "../../shared/config.ts";
import { domainOf } from "./email-address.ts";

/** Whether a person may enter, by ALLOWED_*. Asked at sign-in and again at each refresh. */
export function admits({ admission }: Config, profile: Profile, groups: readonly string[] = []): boolean {
  if (!admission) return true;
  if (admission.emails.includes("*")) return true;
  if (groups.some((group) => admission.groups.includes(group))) return true;
  const email = profile.email?.toLowerCase();
  if (email === undefined || profile.emailVerified !== true) return false;
  return admission.emails.includes(email) || admission.domains.includes(domainOf(email));
}

/** The scopes a person may grant, by SCOPE_RULES: a scope without a rule is everyone's. */
export function permittedScopes({ scopeRules }: Config, scopes: readonly string[], groups: readonly string[] = []): string[] {
  return scopes.filter((scope) => scopeRules[scope]?.some((group) => groups.includes(group)) ?? true);
}
