import { randomToken, sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Client } from "./client.ts";
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
export async function registerCustomGpt(service: Service, gptId: string, callbacks: readonly string[]): Promise<CustomGpt> {
  const clients = service.part(createClients);
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
    createdAt: service.clock(),
  };
  const stored = (await clients.add(client)) || (await clients.update(clientId, (known) => ({ ...known, secretHash: client.secretHash })));
  if (!stored) return registerCustomGpt(service, gptId, callbacks);
  service.log.info({ event: "client_added", client: clientId }, "security");
  return { clientId, clientSecret, callbacks };
}
