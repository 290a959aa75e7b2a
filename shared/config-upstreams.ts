import { z } from "zod";
import { signingAlgOf } from "./bearer/key-algorithms.ts";
import { numberVariable, type Variable } from "./config-variable.ts";
import { COMMON_PROMPTS, isForAllTenants, NO_PRESET, PRESETS, type Preset, type PresetName } from "./upstream-presets.ts";

/** OpenID providers at which people sign in. */

const PRESET_NAMES = Object.keys(PRESETS) as [PresetName, ...PresetName[]];
const NO_OPENID =
  "github has no OpenID Connect (no discovery, no ID token), so that nobody can be signed in by it; put an OpenID provider such as Auth0 or Keycloak in front of it, or use the e-mail sign-in";
const UPSTREAM_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const;

/** What this service sets itself in an authorization request. */
const OWN_PARAMETERS = ["client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge"];

const preset = z.enum(PRESET_NAMES, {
  error: ({ input }) => (input === "github" ? NO_OPENID : `must be one of ${PRESET_NAMES.join(", ")}`),
});
const claim = z.string().min(1).max(200);
const domain = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i, "must be a domain such as example.com")
  .toLowerCase();

const upstream = z
  .strictObject({
    id: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "must be lower case letters, digits and dashes"),
    preset: preset.optional(),
    name: z.string().min(1).max(60).optional(),
    issuer: z.url({ protocol: /^https?$/ }).optional(),
    client_id: z.string().min(1),
    client_secret: z.string().min(1).optional(),
    private_key: z
      .looseObject({ kid: z.string().min(1).optional() })
      .refine((jwk) => signingAlgOf(jwk) !== undefined, { error: "must be a private JWK: RSA of at least 2048 bits, P-256 or Ed25519" })
      .optional(),
    token_endpoint_auth_method: z.enum(UPSTREAM_AUTH_METHODS).optional(),
    assertion_audience: z.enum(["issuer", "token_endpoint"]).optional(),
    scope: z
      .string()
      .refine((text) => text.split(" ").includes("openid"), { error: "must include openid" })
      .optional(),
    claims: z.strictObject({ subject: claim, email: claim, email_verified: claim, name: claim, groups: claim }).partial().optional(),
    missing_email_verified: z.enum(["trust", "refuse"]).optional(),
    tenants: z.array(z.string().min(1)).min(1).optional(),
    max_age: z.int().min(0).optional(),
    parameters: z
      .record(z.string(), z.string())
      .refine((given) => OWN_PARAMETERS.every((name) => !(name in given)), { error: `cannot set ${OWN_PARAMETERS.join(", ")}` })
      .optional(),
    domains: z.array(domain).min(1).optional(),
    clients: z.array(z.string().min(1)).min(1).optional(),
    logout: z.boolean().optional(),
  })
  .superRefine((entry, context) => {
    const fault = (message: string) => context.addIssue({ code: "custom", message });
    const issuer = entry.issuer ?? presetOf(entry).issuer;
    const { token_endpoint_auth_method: method, client_secret: secret, private_key: key } = entry;
    if (issuer === undefined) fault("needs an issuer");
    if (secret !== undefined && key !== undefined) fault("has a client_secret and a private_key: one is enough");
    if (method === "private_key_jwt" && key === undefined) fault("private_key_jwt needs a private_key");
    if (method?.startsWith("client_secret_") && secret === undefined) fault(`${method} needs a client_secret`);
    if (method === "none" && (secret !== undefined || key !== undefined)) fault("has a secret or a key, and the method none");
    if (secret === undefined && key === undefined && method === undefined)
      fault("needs a client_secret, a private_key, or the method none");
    if (issuer !== undefined && isForAllTenants(issuer)) {
      if (!entry.tenants)
        fault("this issuer is for everyone's tenants: name yours in tenants, or use https://login.microsoftonline.com/TENANT/v2.0");
      if (entry.missing_email_verified === "trust") fault("e-mail addresses of several tenants cannot be trusted unseen");
    }
  });

type Entry = z.infer<typeof upstream>;

/** An OpenID provider as the operator described it, with its preset filled in. */
export interface Upstream {
  /** Part of each subject's identity: with another id its people are others. */
  readonly id: string;
  /** What its button says. */
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly secret: string | undefined;
  /** A private JWK. */
  readonly key: Readonly<Record<string, unknown>> | undefined;
  /** Absent: by what there is, and what the provider takes. */
  readonly authMethod: (typeof UPSTREAM_AUTH_METHODS)[number] | undefined;
  readonly assertionAudience: "issuer" | "token_endpoint";
  readonly scope: string;
  readonly claims: ClaimNames;
  /** What an e-mail address counts as when the provider does not say that it is verified. */
  readonly trustsEmail: boolean;
  /** Ids of the tenants that may come, where the issuer leaves the tenant open. */
  readonly tenants: readonly string[] | undefined;
  /** Seconds. */
  readonly maxAge: number | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  /** The values of `prompt` it takes, unless it publishes others. */
  readonly prompts: readonly string[];
  /** It is for people with these addresses, lower case, and vouches for no others; absent is everyone. */
  readonly domains: readonly string[] | undefined;
  /** The clients whose people sign in here and nowhere else; absent is every client. */
  readonly clients: readonly string[] | undefined;
  /** The parameter for the way back after a sign-out there; absent: nobody is signed out there. */
  readonly logout: "post_logout_redirect_uri" | "logout_uri" | undefined;
}

/** In which claims things are found: by that name, or else along its dots. */
export interface ClaimNames {
  readonly subject: string;
  readonly email: string;
  readonly emailVerified: string;
  readonly name: string;
  readonly groups: string;
}

/** How the standing of people is checked at their provider. Milliseconds. */
export interface UpstreamChecks {
  readonly every: number;
  readonly limit: number;
}

/** What UPSTREAMS_JSON holds. */
export const upstreamEntries = z.array(upstream);

export const UPSTREAM_VARIABLES = {
  UPSTREAM_PRESET: {
    about: `Short for one upstream provider: which one it is (${PRESET_NAMES.join(", ")}), which fills what differs. docs/identity-providers.md says what to register there.`,
    schema: preset,
    example: "google",
  },
  UPSTREAM_OIDC_ISSUER_URL: {
    about: "Its issuer, from which everything else is read. Google needs none.",
    schema: z.url({ protocol: /^https?$/ }),
    example: "https://login.example.com",
  },
  UPSTREAM_OIDC_CLIENT_ID: {
    about: "Its client id. What to register there as redirect URI is PUBLIC_URL plus `/oauth/callback/upstream`.",
    schema: z.string().min(1),
    example: "portico",
  },
  UPSTREAM_OIDC_CLIENT_SECRET: { about: "Its client secret.", schema: z.string().min(1), example: "…" },
  UPSTREAM_CHECK_EVERY: numberVariable(
    "Seconds between two checks at the upstream provider that a person still may sign in, when it gave a refresh token. Made when an application refreshes.",
    900,
    60,
    86_400,
  ),
  UPSTREAM_CHECK_LIMIT: numberVariable(
    "Seconds for which people stay connected while such checks fail because the provider is out of reach; after that a refresh is a 503 until it is back.",
    86_400,
    900,
    2_592_000,
  ),
} satisfies Record<string, Variable>;

interface UpstreamValues {
  readonly UPSTREAMS_JSON?: readonly Entry[] | undefined;
  readonly UPSTREAM_PRESET?: PresetName | undefined;
  readonly UPSTREAM_OIDC_ISSUER_URL?: string | undefined;
  readonly UPSTREAM_OIDC_CLIENT_ID?: string | undefined;
  readonly UPSTREAM_OIDC_CLIENT_SECRET?: string | undefined;
  readonly UPSTREAM_CHECK_EVERY?: number | undefined;
  readonly UPSTREAM_CHECK_LIMIT?: number | undefined;
}

export function upstreamChecksOf(values: UpstreamValues): UpstreamChecks {
  return { every: (values.UPSTREAM_CHECK_EVERY ?? 0) * 1000, limit: (values.UPSTREAM_CHECK_LIMIT ?? 0) * 1000 };
}

export function upstreamsOf(values: UpstreamValues, production: boolean, faults: string[]): readonly Upstream[] {
  const shorthand = shorthandOf(values, faults);
  const listed = values.UPSTREAMS_JSON ?? [];
  if (shorthand && listed.length > 0) faults.push("UPSTREAM_OIDC_CLIENT_ID: cannot be set together with UPSTREAMS_JSON");
  const upstreams = (shorthand ? [shorthand] : listed).map(resolved);
  const ids = upstreams.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) faults.push(`UPSTREAMS_JSON: the id ${repeated} is there twice`);
  if (ids.includes("email")) faults.push("UPSTREAMS_JSON: the id email is taken: it is the e-mail sign-in");
  for (const { id, issuer } of upstreams) {
    if (production && !issuer.startsWith("https://")) faults.push(`UPSTREAMS_JSON: ${id}: issuer: must be https in production`);
  }
  return upstreams;
}

const PARTS = ["UPSTREAM_PRESET", "UPSTREAM_OIDC_ISSUER_URL", "UPSTREAM_OIDC_CLIENT_ID", "UPSTREAM_OIDC_CLIENT_SECRET"] as const;

function shorthandOf(values: UpstreamValues, faults: string[]): Entry | undefined {
  if (PARTS.every((name) => values[name] === undefined)) return undefined;
  const clientId = values.UPSTREAM_OIDC_CLIENT_ID;
  const secret = values.UPSTREAM_OIDC_CLIENT_SECRET;
  const issuer = values.UPSTREAM_OIDC_ISSUER_URL ?? presetOf({ preset: values.UPSTREAM_PRESET }).issuer;
  if (issuer === undefined) faults.push("UPSTREAM_OIDC_ISSUER_URL: needed with the other UPSTREAM_ variables");
  if (clientId === undefined) faults.push("UPSTREAM_OIDC_CLIENT_ID: needed with UPSTREAM_OIDC_ISSUER_URL");
  if (issuer === undefined || clientId === undefined) return undefined;
  const entry = {
    id: "upstream",
    issuer,
    client_id: clientId,
    ...(values.UPSTREAM_PRESET === undefined ? {} : { preset: values.UPSTREAM_PRESET }),
    ...(secret === undefined ? { token_endpoint_auth_method: "none" } : { client_secret: secret }),
  };
  const parsed = upstream.safeParse(entry);
  if (parsed.success) return parsed.data;
  faults.push(...parsed.error.issues.map((issue) => `UPSTREAM_OIDC_ISSUER_URL: ${issue.message}`));
  return undefined;
}

function presetOf({ preset: name }: { readonly preset?: PresetName | undefined }): Preset {
  return name === undefined ? NO_PRESET : PRESETS[name];
}

function resolved(entry: Entry): Upstream {
  const filled = presetOf(entry);
  const issuer = entry.issuer ?? filled.issuer ?? "";
  const trust = entry.missing_email_verified ?? (isForAllTenants(issuer) ? "refuse" : filled.missingEmailVerified);
  return {
    id: entry.id,
    name: entry.name ?? filled.name,
    issuer,
    clientId: entry.client_id,
    secret: entry.client_secret,
    key: entry.private_key,
    authMethod: entry.token_endpoint_auth_method,
    assertionAudience: entry.assertion_audience ?? filled.assertionAudience ?? "issuer",
    scope: entry.scope ?? filled.scope,
    claims: {
      subject: entry.claims?.subject ?? "sub",
      email: entry.claims?.email ?? "email",
      emailVerified: entry.claims?.email_verified ?? "email_verified",
      name: entry.claims?.name ?? "name",
      groups: entry.claims?.groups ?? filled.groups,
    },
    trustsEmail: trust === "trust",
    tenants: entry.tenants,
    maxAge: entry.max_age,
    parameters: { ...filled.parameters, ...entry.parameters },
    prompts: filled.prompts ?? COMMON_PROMPTS,
    domains: entry.domains,
    clients: entry.clients,
    logout: entry.logout === false || (filled.logout === "none" && !entry.logout) ? undefined : logoutParameterOf(filled),
  };
}

function logoutParameterOf({ logout }: Preset): "post_logout_redirect_uri" | "logout_uri" {
  return logout === "logout_uri" ? "logout_uri" : "post_logout_redirect_uri";
}
