import type { SurfaceName } from "../shared/bearer/audience.ts";
import { SCOPES } from "../shared/capabilities/scopes.ts";
import type { Service } from "../shared/service.ts";
import type { Client } from "./clients/client.ts";
import { OAuthError } from "./oauth-error.ts";

/** OpenID Connect Core §5.4 and §11. */
export const IDENTITY_SCOPES = ["openid", "profile", "email", "offline_access"] as const;

/** Every scope that can be asked of this service, in the order of the consent page. */
export function supportedScopes(service: Service): readonly string[] {
  return service.derived(listSupported);
}

function listSupported({ registry }: Service): readonly string[] {
  return [...new Set([...IDENTITY_SCOPES, ...registry.catalog.scopes])];
}

/** Those that can be asked for one of the surfaces (RFC 9728 §2). */
export function surfaceScopes(surface: SurfaceName, { registry }: Service): readonly string[] {
  const { catalog } = registry;
  return [...new Set([...IDENTITY_SCOPES, ...(surface === "mcp" ? catalog.scopes : catalog.operationScopes)])];
}

/** Those that a client may have. */
export function grantableScopes(client: Client, service: Service): readonly string[] {
  const supported = supportedScopes(service);
  return client.scopes ? supported.filter((scope) => client.scopes?.includes(scope)) : supported;
}

/** What a scope means, for the person who grants it. */
export function wordsFor(scope: string): string {
  return (SCOPES as Readonly<Record<string, string>>)[scope] ?? scope;
}

/**
 * What a refresh asks of what was granted: less, never more, and never less for good (RFC 6749 §6).
 * @throws {OAuthError} `invalid_scope`.
 */
export function narrowScopes(granted: readonly string[], requested: string | undefined): readonly string[] {
  if (requested === undefined) return granted;
  const asked = new Set(requested.split(" ").filter((scope) => scope !== ""));
  const beyond = [...asked].filter((scope) => !granted.includes(scope));
  if (beyond.length > 0) throw new OAuthError("invalid_scope", `These scopes were not granted: ${beyond.join(" ").slice(0, 200)}.`);
  return granted.filter((scope) => asked.has(scope));
}
