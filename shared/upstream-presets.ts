/** What sets one identity provider apart from what OpenID Connect lets a client expect. */
export interface Preset {
  /** What its button says. */
  readonly name: string;
  /** The only issuer there is; for all others the operator names theirs. */
  readonly issuer?: string;
  readonly scope: string;
  readonly groups: string;
  /** Sent with each authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The values of `prompt` it takes, where it does not publish them. */
  readonly prompts?: readonly string[];
  /** The `aud` of a client assertion. */
  readonly assertionAudience?: "issuer" | "token_endpoint";
  readonly missingEmailVerified?: "trust" | "refuse";
  /** Whether it can sign a browser out that brings no ID token along, and under which name it takes the way back. */
  readonly logout?: "none" | "logout_uri";
}

const STANDARD_SCOPE = "openid email profile";
const WITH_REFRESH = `${STANDARD_SCOPE} offline_access`;

/** By the value of UPSTREAM_PRESET and of `preset`. `docs/identity-providers.md` says what to register at each. */
export const PRESETS = {
  google: {
    name: "Google",
    issuer: "https://accounts.google.com",
    scope: STANDARD_SCOPE,
    groups: "groups",
    // Without both a second sign-in brings no refresh token.
    parameters: { access_type: "offline", prompt: "consent" },
    prompts: ["none", "consent", "select_account"],
  },
  // It never says email_verified. In a tenant of one's own the addresses are what its administrators wrote down.
  entra: {
    name: "Microsoft",
    scope: WITH_REFRESH,
    groups: "groups",
    prompts: ["none", "login", "consent", "select_account"],
    assertionAudience: "token_endpoint",
    missingEmailVerified: "trust",
  },
  okta: { name: "Okta", scope: WITH_REFRESH, groups: "groups", assertionAudience: "token_endpoint", logout: "none" },
  auth0: { name: "Auth0", scope: WITH_REFRESH, groups: "groups" },
  keycloak: { name: "Keycloak", scope: WITH_REFRESH, groups: "groups" },
  cognito: { name: "Amazon Cognito", scope: STANDARD_SCOPE, groups: "cognito:groups", logout: "logout_uri" },
  supabase: { name: "Supabase", scope: STANDARD_SCOPE, groups: "groups" },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

/** OpenID Connect Core knows `select_account` too, but many providers refuse it. */
export const COMMON_PROMPTS: readonly string[] = ["none", "login", "consent"];

/** What holds without a preset. */
export const NO_PRESET: Preset = { name: "Single sign-on", scope: STANDARD_SCOPE, groups: "groups" };

/** Microsoft's issuers that stand for every tenant: what they publish has the tenant's id left open. */
export function isForAllTenants(issuer: string): boolean {
  return /^https:\/\/login\.microsoftonline\.com\/(common|organizations)\//.test(issuer);
}
