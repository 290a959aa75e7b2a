import { type Client, fromConfiguration } from "../../auth/clients/client.ts";
import { configuredClients } from "../../auth/clients/clients.ts";
import type { Config } from "../../shared/config.ts";
import { registeredClient } from "../../shared/config-clients.ts";
import { randomToken } from "../../shared/hash.ts";
import { fetchUrlFault } from "../../shared/net/fetch-url.ts";
import { redirectUriFault } from "../../shared/net/redirect-uri.ts";
import { type Call, CommandError } from "./command.mts";

/**
 * A client from the options of `clients add`, by the rules of OAUTH_CLIENTS_JSON.
 *
 * @param keys Its public JWK set.
 * @param now Milliseconds since the epoch.
 * @throws {CommandError} naming everything that is wrong.
 */
export function newClient(
  config: Config,
  clientId: string,
  options: Call["options"],
  keys: unknown,
  now: number,
): { readonly client: Client; readonly secret: string | undefined } {
  if (/^https?:/.test(clientId)) throw new CommandError("an address is the id of a client with a metadata document; choose a plain name");
  if (configuredClients(config).some((client) => client.clientId === clientId)) {
    throw new CommandError(`${clientId} stands in the configuration already`);
  }
  const method = textOf(options["method"]);
  const secret = method === undefined || method.startsWith("client_secret") ? randomToken() : undefined;
  const grants = listOf(options["grants"]);
  const resources = listOf(options["resources"]);
  const parsed = registeredClient.safeParse({
    client_id: clientId,
    client_name: textOf(options["name"]),
    client_secret: secret,
    token_endpoint_auth_method: method,
    jwks: keys,
    jwks_uri: textOf(options["keys-url"]),
    redirect_uris: listOf(options["redirects"]) ?? [],
    post_logout_redirect_uris: listOf(options["logout-redirects"]),
    ...(grants === undefined ? {} : { grant_types: grants }),
    scope: listOf(options["scopes"])?.join(" "),
    ...(resources === undefined ? {} : { resources }),
    require_pkce: options["without-pkce"] !== true,
    trusted: options["trusted"] === true,
  });
  if (!parsed.success) {
    throw new CommandError(parsed.error.issues.map((issue) => [...issue.path.map(String), issue.message].join(": ")).join("\n"));
  }
  const { redirect_uris: redirects, post_logout_redirect_uris: afterLogout = [], jwks_uri: keysUrl } = parsed.data;
  const faults = [...redirects, ...afterLogout].flatMap((uri) => faultOf(uri, redirectUriFault(uri, config.publicUrl)));
  if (keysUrl !== undefined) faults.push(...faultOf(`keys-url: ${keysUrl}`, fetchUrlFault(keysUrl, config.loopbackFetch)));
  const client = fromConfiguration(parsed.data, "added", now);
  if (!client.authMethods.some((own) => config.clientAuthMethods.includes(own))) {
    faults.push(`method: ${client.authMethods.join(" and ")} are not among CLIENT_AUTH_METHODS`);
  }
  if (faults.length > 0) throw new CommandError(faults.join("\n"));
  return { client, secret };
}

function faultOf(what: string, fault: string | undefined): string[] {
  return fault === undefined ? [] : [`${what} ${fault}`];
}

function textOf(option: string | boolean | undefined): string | undefined {
  return typeof option === "string" ? option : undefined;
}

function listOf(option: string | boolean | undefined): readonly string[] | undefined {
  return textOf(option)
    ?.split(/[\s,]+/)
    .filter((item) => item !== "");
}
