import { type Client, clientKind } from "../../auth/clients/client.ts";
import { configuredClients } from "../../auth/clients/clients.ts";
import { isDocumentId, metadataDocuments } from "../../auth/clients/metadata-document.ts";
import type { Config } from "../../shared/config.ts";
import { sha256 } from "../../shared/hash.ts";
import { FetchFault } from "../../shared/net/guarded-fetch.ts";
import { clientStateKind } from "../../shared/state/records.ts";
import type { Kind, Scanned, Store } from "../../shared/state/store.ts";
import { CommandError } from "./command.mts";

/** A client for an operator's eyes: RFC 7591's names, and never a secret or its hash. */
export interface ListedClient {
  readonly client_id: string;
  readonly origin: Client["origin"];
  readonly name?: string;
  readonly disabled: boolean;
  readonly [member: string]: unknown;
}

/** Those of the configuration, of the store, and those whose documents were fetched lately. */
export async function listClients(config: Config, store: Store): Promise<readonly ListedClient[]> {
  const stored = (await scanAll(store, clientKind)).map(({ value }) => value);
  const sort = metadataDocuments(config);
  const fetched = (await scanAll(store, sort.kind)).map(({ value }) => readable(() => sort.read(value.document, value.url)));
  const locks = new Map((await scanAll(store, clientStateKind)).map(({ id, value }) => [id, value.disabled]));
  const all = [...configuredClients(config), ...stored, ...fetched.filter((client) => client !== undefined)];
  return all.map((client) => listed(client, locks.get(sha256(client.clientId)) === true));
}

/** @throws {CommandError} for an id that is no client's. The address of a document may be one that was never fetched. */
export async function findClient(config: Config, store: Store, clientId: string): Promise<ListedClient> {
  const sort = metadataDocuments(config);
  const configured = configuredClients(config).find((client) => client.clientId === clientId);
  const [stored, fetched, lock] = await Promise.all([
    store.get(clientKind, { id: clientId }),
    store.get(sort.kind, { id: sha256(clientId) }),
    store.get(clientStateKind, { id: sha256(clientId) }),
  ]);
  const document = fetched && readable(() => sort.read(fetched.value.document, clientId));
  const disabled = lock?.value.disabled === true;
  const client = configured ?? stored?.value ?? document;
  if (client) return listed(client, disabled);
  if (isDocumentId(clientId, config)) return { client_id: clientId, origin: "document", disabled };
  throw new CommandError(`there is no client ${clientId}`);
}

function listed(client: Client, disabled: boolean): ListedClient {
  return {
    client_id: client.clientId,
    origin: client.origin,
    ...(client.name === undefined ? {} : { name: client.name }),
    disabled,
    auth_methods: client.authMethods,
    redirect_uris: client.redirectUris,
    ...(client.postLogoutRedirectUris === undefined ? {} : { post_logout_redirect_uris: client.postLogoutRedirectUris }),
    grant_types: client.grantTypes,
    resources: client.surfaces,
    ...(client.scopes === undefined ? {} : { scope: client.scopes.join(" ") }),
    require_pkce: client.pkce === "required",
    ...(client.trusted ? { trusted: true } : {}),
    ...(client.jwksUri === undefined ? {} : { jwks_uri: client.jwksUri }),
    ...(client.jwks === undefined ? {} : { kids: client.jwks.keys.map(({ kid }) => kid ?? null) }),
    ...(client.createdAt > 0 ? { created_at: new Date(client.createdAt).toISOString() } : {}),
    ...(client.origin === "dynamic" ? { used: client.firstUsedAt !== undefined } : {}),
  };
}

/** A document that today's configuration does not accept is no client's. */
function readable(read: () => Client): Client | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof FetchFault) return undefined;
    throw error;
  }
}

async function scanAll<T>(store: Store, kind: Kind<T>): Promise<readonly Scanned<T>[]> {
  const all: Scanned<T>[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan(kind, cursor);
    all.push(...page.entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}
