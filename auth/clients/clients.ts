import type { Config, RegisteredClient } from "../../shared/config.ts";
import { sha256 } from "../../shared/hash.ts";
import { HttpError } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { clientStateKind } from "../../shared/state/records.ts";
import { OAuthError } from "../oauth-error.ts";
import { type Client, fromConfiguration } from "./client.ts";
import { type ClientRecords, createClientRecords } from "./client-records.ts";
import { createFetchedDocuments, explainFault } from "./fetched.ts";
import { isDocumentId, metadataDocuments } from "./metadata-document.ts";

/** All clients, wherever they come from. */
export interface Clients extends Omit<ClientRecords, "get"> {
  /**
   * The client, unless it is unknown, expired or disabled.
   * @param address Who asks: fetching a client's document counts for them.
   * @throws {OAuthError} `invalid_client` when its metadata document cannot be used.
   * @throws {HttpError} 503 when that cannot be reached, 429.
   */
  find(clientId: string, address?: string): Promise<Client | undefined>;
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
    trusted: false,
  },
  {
    client_id: "portico-development-gpt",
    client_name: "Local Custom GPT",
    client_secret: "portico-development-gpt-secret-for-loopback-only",
    redirect_uris: ["http://127.0.0.1/aip/g-development/oauth/callback", "http://localhost/aip/g-development/oauth/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    resources: ["actions"],
    require_pkce: false,
    trusted: false,
  },
];

/** Those of the configuration, and of development. */
export function configuredClients({ production, publicUrlIsLoopback, clients }: Config): readonly Client[] {
  const development = !production && publicUrlIsLoopback ? DEVELOPMENT_CLIENTS : [];
  return [...development, ...clients].map((registered) => fromConfiguration(registered));
}

export function createClients(service: Service): Clients {
  const { config, store } = service;
  const configured = new Map(configuredClients(config).map((client) => [client.clientId, client]));
  const { get, ...records } = createClientRecords(service);
  const documents = service.part(createFetchedDocuments);
  const metadata = metadataDocuments(config);

  async function isDisabled(clientId: string): Promise<boolean> {
    return (await store.get(clientStateKind, { id: sha256(clientId) }))?.value.disabled === true;
  }

  /** Nothing is fetched for a client that is disabled. */
  async function findByDocument(url: string, address: string | undefined): Promise<Client | undefined> {
    const [known, disabled] = await Promise.all([documents.known(metadata, url), isDisabled(url)]);
    return disabled ? undefined : documents.get(metadata, url, { known, address }).catch(explainFault("metadata document"));
  }

  return {
    ...records,
    async find(clientId, address) {
      const registered = configured.get(clientId);
      if (!registered && isDocumentId(clientId, config)) return findByDocument(clientId, address);
      // Both at once: a remote store answers them in one request.
      const [client, disabled] = await Promise.all([registered ?? get(clientId), isDisabled(clientId)]);
      return disabled ? undefined : client;
    },
  };
}

/** The client, or nothing when it is gone, disabled or its document cannot be had: for pages that go on without it. */
export async function findIfUsable(service: Service, clientId: string, address: string): Promise<Client | undefined> {
  try {
    return await service.part(createClients).find(clientId, address);
  } catch (error) {
    if (error instanceof HttpError || error instanceof OAuthError) return undefined;
    throw error;
  }
}
