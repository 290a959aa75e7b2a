import { randomToken, sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { audit, type Trail } from "../audit.ts";
import type { Client } from "./client.ts";
import type { ClientRecords } from "./client-records.ts";
import { createClients } from "./clients.ts";

/** A Custom GPT's client: confidential, without PKCE, for the Actions surface alone. */
export interface CustomGpt {
  readonly clientId: string;
  /** Known only now: the store keeps its hash. */
  readonly clientSecret: string;
  readonly callbacks: readonly string[];
}

const CALLBACK = /^https:\/\/(?:chat\.openai\.com|chatgpt\.com)\/aip\/(g-[A-Za-z0-9-]{1,100})\/oauth\/callback\/?$/;
const HOSTS = ["chatgpt.com", "chat.openai.com"];

/** Both callbacks of the GPT that a pasted callback URL names, or nothing when it is no such URL. */
export function callbacksOf(pasted: string): { readonly gptId: string; readonly callbacks: readonly string[] } | undefined {
  const gptId = CALLBACK.exec(pasted.trim())?.[1];
  if (gptId === undefined) return undefined;
  return { gptId, callbacks: HOSTS.map((host) => `https://${host}/aip/${gptId}/oauth/callback`) };
}

/**
 * Registers a Custom GPT by its callback URL, which exists only once the GPT is saved. Pasting it again gives the same
 * client a new secret: the old one is gone.
 */
export async function registerCustomGpt(
  service: Service,
  exchange: Trail,
  gptId: string,
  callbacks: readonly string[],
): Promise<CustomGpt> {
  const registered = await addCustomGpt(service.part(createClients), gptId, callbacks, service.clock());
  audit(service, exchange, "client_changed", { client: registered.clientId, reason: "custom_gpt" });
  return registered;
}

/** The same without a service, for the command line. @param now Milliseconds since the epoch. */
export async function addCustomGpt(
  clients: Pick<ClientRecords, "add" | "update">,
  gptId: string,
  callbacks: readonly string[],
  now: number,
): Promise<CustomGpt> {
  const clientId = `custom-gpt-${gptId}`;
  const clientSecret = randomToken();
  const client: Client = {
    clientId,
    name: `Custom GPT ${gptId}`,
    origin: "added",
    authMethods: ["client_secret_post", "client_secret_basic"],
    secretHash: sha256(clientSecret),
    redirectUris: [...callbacks],
    grantTypes: ["authorization_code", "refresh_token"],
    surfaces: ["actions"],
    pkce: "optional",
    createdAt: now,
  };
  const stored = (await clients.add(client)) || (await clients.update(clientId, (known) => ({ ...known, secretHash: client.secretHash })));
  return stored ? { clientId, clientSecret, callbacks } : addCustomGpt(clients, gptId, callbacks, now);
}
