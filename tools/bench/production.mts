import { createHash, generateKeyPairSync, type JsonWebKey, randomBytes, sign } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import { openSqlite } from "../../shared/state/sqlite.ts";
import { HOST } from "./load.mts";

/**
 * Portico as it runs in production, with keys of its own, and what people would have left in its store: benchmarks make
 * grants and tokens themselves, because they need a million of them. Nothing that is checked is switched off; limits
 * count and are too high to be reached.
 */
export interface Production {
  /** What the service is started with. */
  readonly env: Readonly<Record<string, string>>;
  readonly stateFile: string;
  /** The public key that access tokens are verified with: with `kid` and `alg`. */
  readonly publicJwk: JsonWebKey;
  /** An access token as the token endpoint issues it, RS256. */
  token(person: Person, claims?: Readonly<Record<string, unknown>>): string;
}

export interface Person {
  readonly subject: string;
  readonly grantId: string;
}

export const PUBLIC_URL = `https://${HOST}`;
export const MCP = `${PUBLIC_URL}/mcp`;
export const ACTIONS = `${PUBLIC_URL}/actions`;
export const REDIRECT_URI = "https://client.example.com/callback";

/** A client with a secret, one without, and a machine. */
export const APP = { id: "bench-app", secret: "bench-app-secret-of-more-than-32-characters" } as const;
export const PUBLIC_APP = { id: "bench-public-app" } as const;
export const MACHINE = { id: "bench-machine", secret: "bench-machine-secret-of-more-than-32-characters" } as const;

const SCOPES = ["todos:read", "todos:write", "knowledge:read"];
const HOUR = 3_600_000;
const KID = "bench";

const CLIENTS = [
  {
    client_id: APP.id,
    client_secret: APP.secret,
    token_endpoint_auth_method: "client_secret_basic",
    redirect_uris: [REDIRECT_URI],
    resources: ["mcp", "actions"],
  },
  { client_id: PUBLIC_APP.id, token_endpoint_auth_method: "none", redirect_uris: [REDIRECT_URI], resources: ["mcp", "actions"] },
  {
    client_id: MACHINE.id,
    client_secret: MACHINE.secret,
    token_endpoint_auth_method: "client_secret_basic",
    grant_types: ["client_credentials"],
    scope: "todos:read",
  },
];

/** Keys and settings of a production service whose state is a file in this folder. */
export function createProduction(folder: string): Production {
  const stateFile = join(folder, "state.db");
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { privateKey: edwards } = generateKeyPairSync("ed25519");
  const keys = [
    { ...privateKey.export({ format: "jwk" }), kid: KID, alg: "RS256" },
    { ...edwards.export({ format: "jwk" }), kid: `${KID}-ed25519`, alg: "EdDSA" },
  ];
  const head = encode({ alg: "RS256", typ: "at+jwt", kid: KID });
  return {
    stateFile,
    env: {
      NODE_ENV: "production",
      PORT: "0",
      HOST: "127.0.0.1",
      PUBLIC_URL,
      STATE_URL: `sqlite:${stateFile}`,
      STATE_KEYS_JSON: JSON.stringify({ keys: [{ kty: "oct", kid: KID, k: randomBytes(32).toString("base64url") }] }),
      SIGNING_KEYS_JSON: JSON.stringify({ keys }),
      OAUTH_CLIENTS_JSON: JSON.stringify(CLIENTS),
      // Nobody signs in meanwhile.
      SMTP_URL: "smtp://127.0.0.1:25",
      MAIL_FROM: `portico@${HOST}`,
      ALLOWED_EMAIL_DOMAINS: "example.com",
      ALLOWED_ORIGINS: "https://chatgpt.com",
      TRUSTED_PROXIES: "0",
      CALLS_PER_MINUTE: "100000000",
      LOG_LEVEL: "info",
    },
    publicJwk: { ...publicKey.export({ format: "jwk" }), kid: KID, alg: "RS256" },
    token({ subject, grantId }, claims = {}) {
      const now = Math.floor(Date.now() / 1000);
      const body = {
        iss: PUBLIC_URL,
        sub: subject,
        aud: MCP,
        exp: now + 3600,
        iat: now,
        jti: randomBytes(16).toString("base64url"),
        client_id: APP.id,
        scope: SCOPES.join(" "),
        gid: grantId,
        ...claims,
      };
      const signed = `${head}.${encode(body)}`;
      return `${signed}.${sign("sha256", Buffer.from(signed), privateKey).toString("base64url")}`;
    },
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** One of the people who have a grant; the same for the same number. */
export function personOf(number: number): Person {
  const name = String(number).padStart(8, "0");
  return { subject: `person-${name}`, grantId: `grant-${name}` };
}

/** The living grant of a person for a client, as it is after its code was redeemed. */
export function activeGrant(number: number, changes: Partial<Grant> = {}): Grant {
  const now = Date.now();
  return {
    state: "active",
    clientId: APP.id,
    authMethod: "client_secret_basic",
    redirectUri: REDIRECT_URI,
    scopes: SCOPES,
    resource: MCP,
    profile: { email: `person${number}@example.com`, emailVerified: true, name: `Person ${number}` },
    authTime: now,
    createdAt: now,
    idleExpiresAt: now + 24 * HOUR,
    absoluteExpiresAt: now + 240 * HOUR,
    lastIssuedAt: now,
    deadJtis: [],
    ...changes,
  };
}

export interface KeptGrant extends Person {
  readonly grant: Grant;
  /** Milliseconds since the epoch; when the active grant ends unless given. */
  readonly expiresAt?: number;
}

/**
 * Writes grants into a state file as the store does, all in one transaction, so that a million takes seconds. The file
 * is made when it is not there; a service may have it open.
 */
export async function writeGrants(stateFile: string, grants: Iterable<KeptGrant>): Promise<void> {
  await (await openSqlite(stateFile)).close();
  const database = new DatabaseSync(stateFile);
  try {
    database.exec("PRAGMA busy_timeout = 10000");
    const insert = database.prepare("INSERT INTO records (kind, owner, id, version, expires_at, value) VALUES (?, ?, ?, ?, ?, ?)");
    database.exec("BEGIN IMMEDIATE");
    let first = true;
    for (const { subject, grantId, grant, expiresAt = grant.idleExpiresAt ?? null } of grants) {
      // One stands for all: they are of one form.
      if (first) grantKind.codec.parse(grant);
      first = false;
      insert.run(grantKind.name, subject, grantId, randomBytes(12).toString("base64url"), expiresAt, JSON.stringify(grant));
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}

/** The grants of so many people, from `from` on. */
export function* grantsOf(count: number, from = 0): Generator<KeptGrant> {
  for (let number = from; number < from + count; number++) yield { ...personOf(number), grant: activeGrant(number) };
}

/** SHA-256 in base64url, as the store keeps secrets. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
