import ipaddr from "ipaddr.js";
import { z } from "zod";
import { SIGNING_ALGS, signingAlgOf } from "./bearer/key-algorithms.ts";
import { PACK_NAMES } from "./capabilities/pack-names.ts";
import { isScope, SCOPES } from "./capabilities/scopes.ts";
import { ACTIONS_VARIABLES } from "./config-actions.ts";
import { CAPABILITY_VARIABLES } from "./config-capabilities.ts";
import { CLIENT_VARIABLES, registeredClient } from "./config-clients.ts";
import { LIFETIME_VARIABLES } from "./config-lifetimes.ts";
import { LIMIT_VARIABLES } from "./config-limits.ts";
import { MCP_VARIABLES } from "./config-mcp.ts";
import { MAIL_VARIABLES, SIGN_IN_VARIABLES } from "./config-sign-in.ts";
import { UPSTREAM_VARIABLES, upstreamEntries } from "./config-upstreams.ts";
import { numberVariable, type Variable } from "./config-variable.ts";
import { LOG_LEVELS } from "./log.ts";

const list = z.string().transform((text) =>
  text
    .split(/[\s,]+/)
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const origin = z.string().refine((text) => URL.canParse(text) && new URL(text).origin === text, {
  error: "must be an origin such as https://example.com, without a path or a trailing slash",
});

function json<T>(schema: z.ZodType<T>): z.ZodType<T, string> {
  return z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "must be JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema as z.ZodType<T, unknown>) as z.ZodType<T, string>;
}

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, "must be base64url");

const privateJwk = z.looseObject({ kid: z.string().min(1) }).refine((jwk) => signingAlgOf(jwk) !== undefined, {
  error: "must be a private key: RSA of at least 2048 bits (RS256), P-256 (ES256) or Ed25519 (EdDSA), with no other alg",
});

/** A key set in which no kid is there twice. */
function keySet<T extends { readonly kid: string }>(key: z.ZodType<T>) {
  return json(
    z
      .strictObject({ keys: z.array(key).min(1) })
      .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, { error: "has a kid twice" }),
  );
}

const stateKey = z.strictObject({
  kty: z.literal("oct"),
  kid: z.string().min(1),
  k: base64url.refine((text) => Buffer.from(text, "base64url").length === 32, { error: "must be 32 bytes in base64url" }),
});
export type StateKey = z.infer<typeof stateKey>;

const cidr = z.string().refine((text) => ipaddr.isValidCIDR(text), { error: "must be address ranges such as 160.79.104.0/21" });

const clients = json(z.array(registeredClient));
const signingKeys = keySet(privateJwk);
const stateKeys = keySet(stateKey);
const upstreams = json(upstreamEntries);
const file = z.string().min(1);

/**
 * Every environment variable Portico reads: one entry each, from which the parser, `.env.example` and
 * `docs/reference/configuration.md` are made.
 */
export const VARIABLES = {
  NODE_ENV: {
    about: "`production` turns on the strict rules of this page; `development` and `test` have defaults that suit a laptop.",
    schema: z.enum(["development", "production", "test"]),
    development: "development",
    example: "production",
  },
  PORT: {
    about: "The port to listen on; 0 takes a free one.",
    schema: z
      .string()
      .regex(/^\d{1,5}$/, "must be a port")
      .transform(Number)
      .pipe(z.number().max(65535)),
    development: "4000",
    production: "4000",
    example: "4000",
  },
  HOST: {
    about: "The address to listen on.",
    schema: z.string().min(1),
    development: "127.0.0.1",
    requiredInProduction: true,
    example: "0.0.0.0",
  },
  PUBLIC_URL: {
    about:
      "The origin under which everyone reaches the service: the issuer. The MCP resource is this plus `/mcp`, the Actions audience this plus `/actions`. https in production.",
    schema: origin,
    development: "http://localhost:PORT",
    requiredInProduction: true,
    example: "https://portico.example.com",
  },
  STATE_URL: {
    about:
      "Where state lives: `sqlite:FILE`, `dynamodb://TABLE?region=…&endpoint=…` (credentials from the AWS environment) or `postgres://USER:PASSWORD@HOST/DATABASE`.",
    schema: z.string().regex(/^(sqlite:.|dynamodb:\/\/.|postgres(ql)?:\/\/.)/, "must be sqlite:FILE, dynamodb://TABLE or postgres://…"),
    development: "sqlite:var/portico.db",
    requiredInProduction: true,
    example: "sqlite:/var/lib/portico/portico.db",
  },
  STATE_KEYS_JSON: {
    about:
      "A JWK set of 256-bit `oct` keys that protect what is secret in the store: the first encrypts, all decrypt. Outside production one is made beside the state file.",
    schema: stateKeys,
    example: '{"keys":[{"kty":"oct","kid":"2026-11","k":"32 random bytes in base64url"}]}',
  },
  STATE_KEYS_FILE: { about: "A file with the value of `STATE_KEYS_JSON`.", schema: file, example: "/run/secrets/state-keys.json" },
  SWEEP_INTERVAL: numberVariable(
    "Seconds between two rounds of cleaning, in which one of the replicas deletes what expired; 0 leaves it to `npm run admin -- state sweep`.",
    60,
    0,
    86_400,
  ),
  SWEEP_BATCH: numberVariable("How many expired records one step of cleaning deletes at most.", 500, 1, 10_000),
  SIGNING_KEYS_JSON: {
    about:
      "A JWK set of private keys, each with a `kid`, that sign tokens: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. The first of each algorithm signs, all are published; one must be RSA. Unset, keys are made at the first start and kept encrypted in the store.",
    schema: signingKeys,
    example: '{"keys":[{"kty":"RSA","kid":"2026-11","n":"…","e":"AQAB","d":"…"}]}',
  },
  SIGNING_KEYS_FILE: { about: "A file with the value of `SIGNING_KEYS_JSON`.", schema: file, example: "/run/secrets/signing-keys.json" },
  ACCESS_TOKEN_ALG: {
    about:
      "The algorithm that signs access tokens: `RS256`, `ES256` or `EdDSA` (Ed25519). ID tokens are always RS256, which every OpenID client knows.",
    schema: z.enum(SIGNING_ALGS),
    development: "RS256",
    production: "RS256",
    example: "ES256",
  },
  ...LIFETIME_VARIABLES,
  ...LIMIT_VARIABLES,
  ...SIGN_IN_VARIABLES,
  OAUTH_CLIENTS_JSON: {
    about:
      "Pre-registered clients, a JSON array with RFC 7591 names: `client_id`, `client_name`, `client_secret` or `client_secret_sha256`, `token_endpoint_auth_method`, `jwks` or `jwks_uri` (for `private_key_jwt`), `redirect_uris`, `post_logout_redirect_uris`, `grant_types` (`client_credentials` for machines), `scope`, and Portico's `resources` (`mcp`, `actions`), `require_pkce`, `trusted` (its people go to the upstream provider without a page in between). Production needs this or the file; `[]` is an answer. Where the public URL is loopback, development has two clients of its own.",
    schema: clients,
    example: "[]",
  },
  OAUTH_CLIENTS_FILE: { about: "A file with the value of `OAUTH_CLIENTS_JSON`.", schema: file, example: "/etc/portico/clients.json" },
  ...CLIENT_VARIABLES,
  UPSTREAMS_JSON: {
    about:
      "OpenID providers that sign people in, a JSON array. Each has `id`, `client_id`, `issuer` or a `preset` that has one, and `client_secret`, `private_key` (a JWK) or `token_endpoint_auth_method` `none`; it may have `name`, `preset`, `scope`, `claims` (where `subject`, `email`, `email_verified`, `name` and `groups` are found), `missing_email_verified` (`trust` or `refuse`), `tenants`, `max_age`, `parameters` (sent along, such as `prompt` or `acr_values`), `domains` (it is for people with these addresses), `clients` (whose people sign in there and nowhere else), `assertion_audience` and `logout`. To register there: PUBLIC_URL plus `/oauth/callback/ID`. docs/identity-providers.md has the values.",
    schema: upstreams,
    example: '[{"id":"corp","name":"Example Corp","issuer":"https://login.example.com","client_id":"…","client_secret":"…"}]',
  },
  UPSTREAMS_FILE: { about: "A file with the value of `UPSTREAMS_JSON`.", schema: file, example: "/run/secrets/upstreams.json" },
  ...UPSTREAM_VARIABLES,
  ALLOWED_EMAILS: {
    about: "Who may enter: e-mail addresses, or `*` for everyone. Production needs one of the `ALLOWED_` variables.",
    schema: list.pipe(z.array(z.string().regex(/^(\*|[^@]+@[^@]+)$/, "must be e-mail addresses, or *"))),
    example: "ann@example.com, bob@example.com",
  },
  ALLOWED_EMAIL_DOMAINS: {
    about: "Who may enter: everyone with a verified address at these domains.",
    schema: list.pipe(z.array(z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i, "must be domains such as example.com"))),
    example: "example.com",
  },
  ALLOWED_GROUPS: {
    about:
      "Who may enter: members of these groups of the upstream provider. The e-mail sign-in knows no groups, so that this alone admits nobody there.",
    schema: list,
    example: "portico-users",
  },
  SCOPE_RULES: {
    about:
      "Which groups may be granted a scope, a JSON object from scope to group names. A scope without a rule is open to everyone who may enter.",
    schema: json(
      z.record(z.string().refine(isScope, { error: `is not a scope; there are ${Object.keys(SCOPES).join(", ")}` }), z.array(z.string())),
    ),
    development: "{}",
    production: "{}",
    example: '{"todos:write":["editors"]}',
  },
  ...MAIL_VARIABLES,
  ALLOWED_ORIGINS: {
    about:
      "Web origins whose pages may call the service with a token from a browser. Outside production every loopback origin may too. Under Encore the gateway answers for CORS by `global_cors` of `encore.app`: list them there as well.",
    schema: list.pipe(z.array(origin)),
    development: "https://chatgpt.com https://claude.ai",
    requiredInProduction: true,
    example: "https://chatgpt.com https://claude.ai",
  },
  SHARED_EGRESS: {
    about: "Address ranges behind which many people stand, such as a vendor's backend: limits by address leave them out.",
    schema: list.pipe(z.array(cidr)),
    development: "160.79.104.0/21",
    production: "160.79.104.0/21",
    example: "160.79.104.0/21",
  },
  TRUSTED_PROXIES: {
    about: "How many proxies stand in front and append to `X-Forwarded-For`; the client's address is counted from the right.",
    schema: z.string().regex(/^\d$/, "must be a number from 0 to 9").transform(Number),
    development: "0",
    requiredInProduction: true,
    example: "1",
  },
  CAPABILITIES: {
    about: `The packs of capabilities to offer, of ${PACK_NAMES.map((name) => `\`${name}\``).join(", ")}. docs/reference/capabilities.md has what is in each.`,
    schema: list.pipe(z.array(z.enum(PACK_NAMES))),
    development: "core todos knowledge own",
    production: "core todos knowledge own",
    example: "core knowledge calculator weather own",
  },
  ...ACTIONS_VARIABLES,
  ...CAPABILITY_VARIABLES,
  ...MCP_VARIABLES,
  LOG_LEVEL: {
    about: "The least severe level that is logged.",
    schema: z.enum(LOG_LEVELS),
    development: "info",
    production: "info",
    example: "info",
  },
} satisfies Record<string, Variable>;

export type { Variable };
export type VariableName = keyof typeof VARIABLES;
export type Values = { readonly [N in VariableName]?: z.output<(typeof VARIABLES)[N]["schema"]> };
