import { type Exchange, HttpError, type Reply } from "../shared/http/exchange.ts";
import { parametersOf, readForm } from "../shared/http/form.ts";
import type { Service } from "../shared/service.ts";
import { type CustomGpt, callbacksOf, registerCustomGpt } from "./clients/custom-gpt.ts";
import { setupPage } from "./pages/setup.ts";
import { supportedScopes } from "./scopes.ts";

/**
 * The setup page: how to connect each client. The form for a Custom GPT is there on this machine only.
 * @throws {HttpError} 405 for MCP clients that were given the origin as their address and look for a stream: a page in its
 *   place is a stream that ends, which they would open again and again.
 */
export function handleSetup(exchange: Exchange, service: Service): Reply {
  const accept = exchange.header("accept") ?? "";
  if (/text\/event-stream/i.test(accept) && !/text\/html/i.test(accept)) {
    throw new HttpError(405, "There is no stream here: MCP clients post to this address, or use /mcp.", {
      allow: "GET, HEAD, POST, DELETE",
    });
  }
  return showSetup(exchange, service, {});
}

/** Registers the Custom GPT whose callback URL was pasted. @throws {HttpError} 403 from anywhere but this machine. */
export async function handleSetupCustomGpt(exchange: Exchange, service: Service): Promise<Reply> {
  if (!mayRegister(exchange, service)) throw new HttpError(403, "Custom GPTs are registered on the machine that runs the service.");
  const pasted = parametersOf(await readForm(exchange)).get("callback_url") ?? "";
  const named = callbacksOf(pasted);
  if (!named) {
    const fault =
      "That is not a Custom GPT's callback URL. It looks like https://chatgpt.com/aip/g-…/oauth/callback and stands below the Actions of a saved GPT.";
    return showSetup(exchange, service, { fault });
  }
  return showSetup(exchange, service, { registered: await registerCustomGpt(service, exchange, named.gptId, named.callbacks) });
}

/** The one at the keyboard, as far as a request can tell; in production the registry is the configuration's. */
function mayRegister({ loopback }: Exchange, { config }: Service): boolean {
  return loopback && !config.production;
}

function showSetup(exchange: Exchange, service: Service, form: { readonly fault?: string; readonly registered?: CustomGpt }): Reply {
  const { publicUrl } = service.config;
  return setupPage({
    publicUrl,
    mcpUrl: `${publicUrl}/mcp`,
    openApiUrl: `${publicUrl}/actions/openapi.json`,
    authorizationUrl: `${publicUrl}/oauth/authorize`,
    tokenUrl: `${publicUrl}/oauth/token`,
    privacyUrl: `${publicUrl}/privacy`,
    scopes: supportedScopes(service),
    ...(mayRegister(exchange, service) ? { gptForm: { action: "/setup/custom-gpt", ...form } } : {}),
  });
}
