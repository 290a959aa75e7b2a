import { z } from "zod";
import { ASSERTION_ALGORITHMS, algorithmsOf, clientKeySet } from "./client-keys.ts";
import { numberVariable, type Variable } from "./config-variable.ts";

/** Clients: those an operator writes down, and how the others may come. */

const HASH = /^[A-Za-z0-9_-]{43}$/;
const NO_KEY = `has no key that can verify ${ASSERTION_ALGORITHMS.join(", ")}`;
const MOST = 1_000_000;

/** The ways a client may prove itself at the token endpoint (OpenID Connect Core §9). */
export const AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] as const;
export const CLIENT_GRANT_TYPES = ["authorization_code", "refresh_token", "client_credentials"] as const;

/** A client an operator wrote down. Names follow RFC 7591 §2. */
export const registeredClient = z
  .strictObject({
    client_id: z.string().min(1).max(200),
    client_name: z.string().min(1).max(100).optional(),
    client_secret: z.string().min(32, "must have at least 32 characters").optional(),
    client_secret_sha256: z.string().regex(HASH, "must be a SHA-256 in base64url").optional(),
    token_endpoint_auth_method: z.enum(AUTH_METHODS).optional(),
    jwks: clientKeySet.refine(({ keys }) => keys.some((key) => algorithmsOf(key).length > 0), { error: NO_KEY }).optional(),
    jwks_uri: z.string().optional(),
    redirect_uris: z.array(z.string()).max(20).default([]),
    post_logout_redirect_uris: z.array(z.string()).max(20).optional(),
    grant_types: z.array(z.enum(CLIENT_GRANT_TYPES)).min(1).default(["authorization_code", "refresh_token"]),
    scope: z.string().optional(),
    resources: z
      .array(z.enum(["mcp", "actions"]))
      .min(1)
      .default(["mcp"]),
    require_pkce: z.boolean().default(true),
    trusted: z.boolean().default(false),
  })
  .superRefine((client, context) => {
    const fault = (message: string) => context.addIssue({ code: "custom", message });
    const secret = client.client_secret !== undefined || client.client_secret_sha256 !== undefined;
    const keys = client.jwks !== undefined || client.jwks_uri !== undefined;
    const method = client.token_endpoint_auth_method;
    const open = method === "none";
    const redirects = client.grant_types.includes("authorization_code");
    if (client.jwks !== undefined && client.jwks_uri !== undefined) fault("has either jwks or jwks_uri");
    if (keys !== (method === "private_key_jwt")) fault("jwks or jwks_uri go with method private_key_jwt, and only with it");
    if (secret && (open || keys)) fault(`a client with method ${method} has no secret`);
    if (!secret && !keys && !open) fault("needs client_secret, client_secret_sha256, method private_key_jwt or method none");
    if (open && !client.require_pkce) fault("a client without a secret must use PKCE");
    if (open && client.grant_types.includes("client_credentials")) fault("client_credentials needs a client that authenticates");
    if (redirects && client.redirect_uris.length === 0) fault("redirect_uris: authorization_code needs at least one");
    if (!redirects && client.redirect_uris.length > 0) fault("redirect_uris: only authorization_code has redirects");
    if (!redirects && client.grant_types.includes("refresh_token")) fault("refresh_token goes with authorization_code");
    if (client.trusted && (open || !client.redirect_uris.every((uri) => uri.startsWith("https://")))) {
      fault("a trusted client authenticates and redirects to https alone");
    }
  });
export type RegisteredClient = z.infer<typeof registeredClient>;

const methods = z
  .string()
  .transform((text) => text.split(/[\s,]+/))
  .pipe(z.array(z.enum(AUTH_METHODS)).min(1));

export const CLIENT_VARIABLES = {
  REGISTRATION: {
    about:
      "Dynamic client registration (RFC 7591): `open` to every client, or `off`. Clients that know of no other way (Cursor, mcp-remote, Microsoft 365 Copilot) need it.",
    schema: z.enum(["open", "off"]),
    development: "open",
    production: "open",
    example: "off",
  },
  REGISTRATION_LIMIT: numberVariable(
    "Registrations in an hour from one address (an IPv6 /64); `SHARED_EGRESS` is not counted.",
    60,
    1,
    MOST,
  ),
  REGISTRATION_CEILING: numberVariable("Registrations in an hour from everywhere.", 10_000, 1, MOST),
  CLIENT_DOCUMENTS: {
    about: "Clients whose id is the https address of their metadata document, as ChatGPT, Claude and VS Code have: `on` or `off`.",
    schema: z.enum(["on", "off"]),
    development: "on",
    production: "on",
    example: "on",
  },
  CLIENT_DOCUMENT_LIMIT: numberVariable(
    "Fetches of clients' metadata documents and keys that one address (an IPv6 /64) may cause in an hour at one host, and four times as many at all hosts together; `SHARED_EGRESS` is not counted. What is cached needs no fetch.",
    300,
    1,
    MOST,
  ),
  CLIENT_DOCUMENT_CEILING: numberVariable("Such fetches in an hour, all together.", 10_000, 1, MOST),
  CLIENT_AUTH_METHODS: {
    about:
      "How clients may authenticate at the token endpoint, which is also what discovery advertises. Claude needs `none` listed to use its metadata document; ChatGPT takes `private_key_jwt` where it is listed.",
    schema: methods,
    development: AUTH_METHODS.join(" "),
    production: AUTH_METHODS.join(" "),
    example: AUTH_METHODS.join(" "),
  },
  LOOPBACK_FETCH: {
    about:
      "`on` lets clients' metadata documents and keys be fetched from this machine, over http too, for trying a client under development. Never in production.",
    schema: z.enum(["on", "off"]),
    development: "off",
    production: "off",
    example: "off",
  },
} satisfies Record<string, Variable>;
