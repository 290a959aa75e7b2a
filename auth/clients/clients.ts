import type { RegisteredClient } from "../../shared/config.ts";
import { sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { clientStateKind } from "../../shared/state/records.ts";
import type { Entry } from "../../shared/state/store.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { type Client, clientKind, fromConfiguration } from "./client.ts";

export interface Clients {
  /** The client, unless it is unknown, expired or disabled. */
  find(clientId: string): Promise<Client | undefined>;
  /** False if the id is taken. */
  add(client: Client): Promise<boolean>;
  /** Replaces a stored client. False if it changed meanwhile or is gone. */
  update(clientId: string, change: (client: Client) => Client): Promise<boolean>;
  /** Called before a first code is redeemed: a client in use does not expire. */
  markUsed(client: Client): Promise<void>;
}

/**
 * Two clients for trying things on one machine, offered only where the public URL is loopback: their redirects reach
 * no further, so that a secret everyone can read is worth nothing elsewhere.
 */
const DEVELOPMENT_CLIENTS: readonly RegisteredClient[] = [
  {
    client_id: "portico-development",
    client_name: "Local development",
    token_endpoint_auth_method: "none",
    redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    resources: ["mcp", "actions"],
    require_pkce: true,
  },
  {
    client_id: "portico-development-gpt",
    client_name: "Local Custom GPT",
    client_secret: "portico-development-gpt-secret-for-loopback-only",
    redirect_uris: ["http://127.0.0.1/aip/g-development/oauth/callback", "http://localhost/aip/g-development/oauth/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    resources: ["actions"],
    require_pkce: false,
  },
];

export function createClients({ config, store, clock }: Service): Clients {
  const development = !config.production && config.publicUrlIsLoopback ? DEVELOPMENT_CLIENTS : [];
  const configured = new Map(
    [...development, ...config.clients].map((registered) => [registered.client_id, fromConfiguration(registered)]),
  );

  /** Which write a client was read from, so that a change of it needs no second read. */
  const entries = new WeakMap<Client, Entry<Client>>();

  async function read(clientId: string): Promise<Client | undefined> {
    const entry = await store.get(clientKind, { id: clientId });
    if (entry) entries.set(entry.value, entry);
    return entry?.value;
  }

  async function write(client: Client, change: (client: Client) => Client): Promise<boolean> {
    const entry = entries.get(client);
    if (!entry) return false;
    const changed = change(client);
    const expiresAt = changed.origin === "dynamic" && changed.firstUsedAt === undefined ? entry.expiresAt : null;
    return store.replace(clientKind, { id: client.clientId }, entry.version, changed, expiresAt);
  }

  return {
    async find(clientId) {
      // Both at once: a remote store answers them in one request.
      const [client, state] = await Promise.all([
        configured.get(clientId) ?? read(clientId),
        store.get(clientStateKind, { id: sha256(clientId) }),
      ]);
      return state?.value.disabled ? undefined : client;
    },
    add(client) {
      const expiresAt = client.origin === "dynamic" ? clock() + LIFETIMES.unusedClient : null;
      return store.create(clientKind, { id: client.clientId }, client, expiresAt);
    },
    async update(clientId, change) {
      const client = await read(clientId);
      return client !== undefined && write(client, change);
    },
    async markUsed(client) {
      if (client.origin !== "dynamic" || client.firstUsedAt !== undefined) return;
      // A lost race means that another redemption of the same client has just done it.
      await write(client, (stored) => ({ ...stored, firstUsedAt: clock() }));
    },
  };
}
