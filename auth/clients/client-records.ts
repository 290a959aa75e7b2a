import type { Service } from "../../shared/service.ts";
import type { Entry } from "../../shared/state/store.ts";
import { LIFETIMES } from "../lifetimes.ts";
import { type Client, clientKind } from "./client.ts";

/** The clients in the store: those that registered, and those an operator added at run time. */
export interface ClientRecords {
  get(clientId: string): Promise<Client | undefined>;
  /** False if the id is taken. */
  add(client: Client): Promise<boolean>;
  /** Replaces a stored client. False if it changed meanwhile or is gone. */
  update(clientId: string, change: (client: Client) => Client): Promise<boolean>;
  /** Called before a first code is redeemed: a client in use does not expire. */
  markUsed(client: Client): Promise<void>;
}

export function createClientRecords({ store, clock }: Pick<Service, "store" | "clock">): ClientRecords {
  /** Which write a client was read from, so that a change of it needs no second read. */
  const entries = new WeakMap<Client, Entry<Client>>();

  async function get(clientId: string): Promise<Client | undefined> {
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
    get,
    add(client) {
      const expiresAt = client.origin === "dynamic" ? clock() + LIFETIMES.unusedClient : null;
      return store.create(clientKind, { id: client.clientId }, client, expiresAt);
    },
    async update(clientId, change) {
      const client = await get(clientId);
      return client !== undefined && write(client, change);
    },
    async markUsed(client) {
      if (client.origin !== "dynamic" || client.firstUsedAt !== undefined) return;
      // A lost race means that another redemption of the same client has just done it.
      await write(client, (stored) => ({ ...stored, firstUsedAt: clock() }));
    },
  };
}
