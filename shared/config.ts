import { readFileSync } from "node:fs";
import { type SigningAlg, signingAlgOf } from "./bearer/key-algorithms.ts";
import type { PackName } from "./capabilities/pack-names.ts";
import { type CapabilitySettings, capabilityFaults, capabilitySettingsOf } from "./config-capabilities.ts";
import { AUTH_METHODS, type RegisteredClient } from "./config-clients.ts";
import { type Lifetimes, lifetimeFaults, lifetimesOf } from "./config-lifetimes.ts";
import { type Limits, limitsOf } from "./config-limits.ts";
import { type McpConfig, mcpConfigOf } from "./config-mcp.ts";
import { type SignInLimits, signInLimitsOf } from "./config-sign-in.ts";
import { type Upstream, type UpstreamChecks, upstreamChecksOf, upstreamsOf } from "./config-upstreams.ts";
import type { Variable } from "./config-variable.ts";
import { type StateKey, VARIABLES, type Values, type VariableName } from "./config-variables.ts";
import type { LogLevel } from "./log.ts";
import { fetchUrlFault } from "./net/fetch-url.ts";
import { isLoopbackHost } from "./net/loopback.ts";
import { redirectUriFault } from "./net/redirect-uri.ts";

/** What the environment asks for, checked. */
export interface Config {
  readonly production: boolean;
  readonly host: string;
  readonly port: number;
  /** The issuer: an origin without a trailing slash. */
  readonly publicUrl: string;
  /** The public URL's host as a client may name it: with and without the port that its scheme implies. */
  readonly publicHosts: readonly string[];
  /** True when the public URL names this machine: development's comforts depend on it. */
  readonly publicUrlIsLoopback: boolean;
  readonly stateUrl: string;
  /** Absent outside production when unset: made beside the state file. */
  readonly stateKeys: readonly StateKey[] | undefined;
  readonly sweep: {
    /** Milliseconds between two rounds; 0 is never. */
    readonly interval: number;
    /** Records deleted in one step. */
    readonly batch: number;
  };
  /** Private JWKs; absent when keys are kept in the store. */
  readonly signingKeys: readonly Readonly<Record<string, unknown>>[] | undefined;
  /** Signs access tokens. */
  readonly accessTokenAlg: SigningAlg;
  readonly lifetimes: Lifetimes;
  readonly limits: Limits;
  readonly signInLimits: SignInLimits;
  readonly clients: readonly RegisteredClient[];
  /** How a client may authenticate: what discovery advertises, and nothing else is taken. In the order of AUTH_METHODS. */
  readonly clientAuthMethods: readonly AuthMethod[];
  readonly registration: { readonly open: boolean } & HourlyLimit;
  /** Clients whose id is the address of their metadata document. */
  readonly clientDocuments: { readonly enabled: boolean } & HourlyLimit;
  /** Whether what strangers name may be fetched from this machine. */
  readonly loopbackFetch: boolean;
  readonly upstreams: readonly Upstream[];
  readonly upstreamChecks: UpstreamChecks;
  /** Undefined admits everyone (development only). */
  readonly admission: Admission | undefined;
  readonly scopeRules: Readonly<Record<string, readonly string[]>>;
  readonly mail: { readonly smtpUrl: string; readonly from: string } | undefined;
  readonly allowedOrigins: readonly string[];
  readonly sharedEgress: readonly string[];
  readonly trustedProxies: number;
  readonly capabilityPacks: readonly PackName[];
  readonly capabilities: CapabilitySettings;
  /** Names of the capabilities that Actions offer; all that may be there when absent. */
  readonly operations: readonly string[] | undefined;
  /** Milliseconds. */
  readonly callTimeLimit: number;
  readonly callsPerMinute: number;
  readonly mcp: McpConfig;
  readonly logLevel: LogLevel;
}

/** Of something that strangers cause, in an hour. */
export interface HourlyLimit {
  readonly perAddress: number;
  readonly ceiling: number;
}

export interface Admission {
  /** Lower case; may hold "*". */
  readonly emails: readonly string[];
  readonly domains: readonly string[];
  readonly groups: readonly string[];
}

export type AuthMethod = (typeof AUTH_METHODS)[number];
export type { RegisteredClient, StateKey, Upstream };

/** All that is wrong with the configuration, one line a fault, each naming the variable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join("\n")}`,
    );
    this.faults = faults;
  }
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws {ConfigError} listing every fault at once. */
export function loadConfig(env: Env): Config {
  const faults: string[] = [];
  const production = env["NODE_ENV"] === "production";
  const values = parseAll(env, production, faults);
  const port = values.PORT ?? 4000;
  const publicUrl = values.PUBLIC_URL ?? `http://localhost:${port}`;
  const place = { publicUrl, publicUrlIsLoopback: isLoopbackHost(new URL(publicUrl).host) };
  const config: Config = {
    production,
    host: values.HOST ?? "127.0.0.1",
    port,
    ...place,
    publicHosts: hostsOf(new URL(publicUrl)),
    stateUrl: values.STATE_URL ?? "",
    stateKeys: values.STATE_KEYS_JSON?.keys,
    sweep: { interval: (values.SWEEP_INTERVAL ?? 0) * 1000, batch: values.SWEEP_BATCH ?? 1 },
    signingKeys: values.SIGNING_KEYS_JSON?.keys,
    accessTokenAlg: values.ACCESS_TOKEN_ALG ?? "RS256",
    lifetimes: lifetimesOf(values),
    limits: limitsOf(values),
    signInLimits: signInLimitsOf(values),
    clients: values.OAUTH_CLIENTS_JSON ?? [],
    clientAuthMethods: AUTH_METHODS.filter((method) => values.CLIENT_AUTH_METHODS?.includes(method)),
    registration: {
      open: values.REGISTRATION === "open",
      perAddress: values.REGISTRATION_LIMIT ?? 0,
      ceiling: values.REGISTRATION_CEILING ?? 0,
    },
    clientDocuments: {
      enabled: values.CLIENT_DOCUMENTS === "on",
      perAddress: values.CLIENT_DOCUMENT_LIMIT ?? 0,
      ceiling: values.CLIENT_DOCUMENT_CEILING ?? 0,
    },
    loopbackFetch: values.LOOPBACK_FETCH === "on",
    upstreams: upstreamsOf(values, production, faults),
    upstreamChecks: upstreamChecksOf(values),
    admission: admissionOf(values),
    scopeRules: values.SCOPE_RULES ?? {},
    mail: values.SMTP_URL && values.MAIL_FROM ? { smtpUrl: values.SMTP_URL, from: values.MAIL_FROM } : undefined,
    allowedOrigins: values.ALLOWED_ORIGINS ?? [],
    sharedEgress: values.SHARED_EGRESS ?? [],
    trustedProxies: values.TRUSTED_PROXIES ?? 0,
    capabilityPacks: values.CAPABILITIES ?? [],
    capabilities: capabilitySettingsOf(values, place),
    operations: values.ACTIONS_OPERATIONS,
    callTimeLimit: (values.CALL_TIME_LIMIT ?? 0) * 1000,
    callsPerMinute: values.CALLS_PER_MINUTE ?? 1,
    mcp: mcpConfigOf(values),
    logLevel: values.LOG_LEVEL ?? "info",
  };
  faults.push(...generalFaults(values, config), ...(production ? productionFaults(values, env) : []));
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/** Parses each variable on its own, `_FILE` companions included, so that every fault is found. */
function parseAll(env: Env, production: boolean, faults: string[]): Values {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(VARIABLES) as VariableName[]) {
    const variable: Variable = VARIABLES[name];
    const text = textOf(name, env, faults) ?? (production ? variable.production : derivedDefault(name, variable));
    if (text === undefined) {
      if (production && variable.requiredInProduction) faults.push(`${name}: production needs it to be set`);
      continue;
    }
    const parsed = variable.schema.safeParse(text);
    if (parsed.success) values[name] = parsed.data;
    else faults.push(...parsed.error.issues.map((issue) => `${name}: ${[...issue.path.map(String), issue.message].join(": ")}`));
  }
  return values as Values;
}

/** PUBLIC_URL's default names the port, so it is derived and not parsed. */
function derivedDefault(name: VariableName, variable: Variable): string | undefined {
  return name === "PUBLIC_URL" ? undefined : variable.development;
}

function textOf(name: VariableName, env: Env, faults: string[]): string | undefined {
  const text = present(env[name]);
  if (!name.endsWith("_JSON")) return text;
  const fileName = name.replace(/_JSON$/, "_FILE");
  const file = present(env[fileName]);
  if (file === undefined) return text;
  if (text !== undefined) {
    faults.push(`${fileName}: cannot be set together with ${name}`);
    return text;
  }
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    faults.push(`${fileName}: cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

/** An empty variable is an unset one, as in most `.env` files. */
function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === "" ? undefined : text.trim();
}

function hostsOf({ protocol, host }: URL): readonly string[] {
  return [host, host + (protocol === "https:" ? ":443" : ":80")];
}

function admissionOf(values: Values): Admission | undefined {
  const lower = (items: readonly string[] | undefined) => (items ?? []).map((item) => item.toLowerCase());
  const admission = {
    emails: lower(values.ALLOWED_EMAILS),
    domains: lower(values.ALLOWED_EMAIL_DOMAINS),
    groups: values.ALLOWED_GROUPS ?? [],
  };
  const empty = admission.emails.length + admission.domains.length + admission.groups.length === 0;
  return empty ? undefined : admission;
}

function generalFaults(values: Values, config: Config): string[] {
  const faults: string[] = [...lifetimeFaults(config.lifetimes), ...signingKeyFaults(config), ...capabilityFaults(values, config)];
  if (values.SMTP_URL && !values.MAIL_FROM) faults.push("MAIL_FROM: needed with SMTP_URL");
  const ids = config.clients.map((client) => client.client_id);
  for (const client of config.clients) {
    for (const name of ["redirect_uris", "post_logout_redirect_uris"] as const) {
      for (const uri of client[name] ?? []) {
        const fault = redirectUriFault(uri, config.publicUrl);
        if (fault) faults.push(`OAUTH_CLIENTS_JSON: client ${client.client_id}: ${name}: ${uri} ${fault}`);
      }
    }
    const keysFault = client.jwks_uri === undefined ? undefined : fetchUrlFault(client.jwks_uri, config.loopbackFetch);
    if (keysFault) faults.push(`OAUTH_CLIENTS_JSON: client ${client.client_id}: jwks_uri ${keysFault}`);
    const method = client.token_endpoint_auth_method;
    if (method !== undefined && !config.clientAuthMethods.includes(method)) {
      faults.push(`OAUTH_CLIENTS_JSON: client ${client.client_id}: ${method} is not among CLIENT_AUTH_METHODS`);
    }
  }
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) faults.push(`OAUTH_CLIENTS_JSON: client_id ${repeated} is there twice`);
  return faults;
}

/** Configured keys are all there are: one must sign ID tokens, which OpenID Connect asks to be RS256, and one access tokens. */
function signingKeyFaults({ signingKeys, accessTokenAlg }: Config): string[] {
  if (!signingKeys) return [];
  const missing = [...new Set(["RS256", accessTokenAlg] as const)].filter((alg) => !signingKeys.some((jwk) => signingAlgOf(jwk) === alg));
  return missing.map((alg) => `SIGNING_KEYS_JSON: has no key for ${alg}`);
}

function productionFaults(values: Values, env: Env): string[] {
  const faults: string[] = [];
  const has = (name: string) => present(env[name]) !== undefined || present(env[name.replace(/_JSON$/, "_FILE")]) !== undefined;
  if (values.PUBLIC_URL && !values.PUBLIC_URL.startsWith("https://")) faults.push("PUBLIC_URL: must be https in production");
  if (values.STATE_URL === "sqlite::memory:") faults.push("STATE_URL: must be a durable store in production");
  if (values.LOOPBACK_FETCH === "on") faults.push("LOOPBACK_FETCH: must be off in production");
  if (!has("STATE_KEYS_JSON")) faults.push("STATE_KEYS_JSON: production needs it or STATE_KEYS_FILE");
  if (!has("OAUTH_CLIENTS_JSON")) faults.push("OAUTH_CLIENTS_JSON: production needs it or OAUTH_CLIENTS_FILE; [] is an answer");
  const listsUpstreams = has("UPSTREAMS_JSON") && values.UPSTREAMS_JSON?.length !== 0;
  if (!listsUpstreams && !has("UPSTREAM_OIDC_CLIENT_ID") && !has("SMTP_URL")) {
    faults.push(
      "SMTP_URL: production needs a mail server for the e-mail sign-in, or an upstream provider (UPSTREAM_OIDC_CLIENT_ID, UPSTREAMS_JSON)",
    );
  }
  if (!has("ALLOWED_EMAILS") && !has("ALLOWED_EMAIL_DOMAINS") && !has("ALLOWED_GROUPS")) {
    faults.push(
      "ALLOWED_EMAILS: production must say who may enter (ALLOWED_EMAILS, ALLOWED_EMAIL_DOMAINS or ALLOWED_GROUPS); * is everyone",
    );
  }
  return faults;
}
