import type { Exchange } from "../../shared/http/exchange.ts";
import { isLoopbackRedirect, isRegistered, redirectHost } from "../../shared/net/redirect-uri.ts";
import type { Service } from "../../shared/service.ts";
import { type Client, isPreRegistered, verifiedHost } from "../clients/client.ts";
import { createClients } from "../clients/clients.ts";
import type { ClientView } from "../pages/client-view.ts";
import { secretsOf } from "./browser.ts";
import { UnprovedRecipient } from "./request.ts";
import { type ClientRequest, type OpenTransaction, openTransaction } from "./transaction.ts";

/** A transaction in its browser: what every step needs. */
export interface Visit {
  readonly service: Service;
  readonly exchange: Exchange;
  readonly transaction: OpenTransaction;
  /** Absent when someone signs in to see their own account. */
  readonly asking: Asking | undefined;
}

/** Who asks and what for. */
export interface Asking {
  readonly client: Client;
  readonly request: ClientRequest;
}

/** A visit on behalf of a client. */
export interface ClientVisit extends Visit {
  readonly asking: Asking;
}

/**
 * Opens a transaction, the one that a page's address names unless said otherwise, and proves its client again.
 * @throws {HttpError} 404 or 403 when it is not this browser's.
 * @throws {UnprovedRecipient} when the client or its redirect URI is no longer registered.
 */
export async function visitOf(exchange: Exchange, service: Service, id = exchange.path.split("/")[3] ?? ""): Promise<Visit> {
  const transaction = await openTransaction(service, id, secretsOf(service, exchange, id));
  const { request } = transaction.entry.value;
  return { service, exchange, transaction, asking: request && (await askingOf(request, exchange, service)) };
}

async function askingOf(request: ClientRequest, exchange: Exchange, service: Service): Promise<Asking> {
  const client = await service.part(createClients).find(request.clientId, exchange.address);
  if (!client || !isRegistered(request.redirectUri, client.redirectUris, service.config.publicUrl)) {
    throw new UnprovedRecipient("invalid_client", "The application that sent you here is no longer registered.");
  }
  exchange.note({ client: request.clientId });
  return { client, request };
}

/** The page of a transaction; its forms post to paths below. */
export function pathOf({ id }: Pick<OpenTransaction, "id">): string {
  return `/oauth/interaction/${id}`;
}

export function viewOf(client: Client, redirectUri: string): ClientView {
  return {
    name: client.name,
    clientId: client.clientId,
    redirectHost: redirectHost(redirectUri),
    verified: isPreRegistered(client),
    documentHost: verifiedHost(client),
    loopbackOnly: client.redirectUris.every(isLoopbackRedirect),
  };
}
