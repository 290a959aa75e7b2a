import { renderChallenge } from "../../shared/bearer/challenge.ts";
import { type Exchange, HttpError, type Reply } from "../../shared/http/exchange.ts";
import type { Service } from "../../shared/service.ts";
import { json } from "../surfaces.ts";

/**
 * The userinfo endpoint (OpenID Connect Core §5.3): any living token of ours with `openid`, claims by scope (§5.4). The
 * token comes in the header, also with POST: as a form parameter (RFC 6750 §2.2) or in the query it counts for nothing.
 */
export async function handleUserinfo(exchange: Exchange, service: Service): Promise<Reply> {
  if (exchange.method !== "GET" && exchange.method !== "POST")
    throw new HttpError(405, "Userinfo takes GET or POST.", { allow: "GET, POST" });
  const { subject, clientId, scopes, profile } = await service.bearer.verify(exchange.header("authorization"), "issuer");
  exchange.note({ client: clientId, subject });
  if (!scopes.has("openid")) {
    const { publicUrl } = service.config;
    const challenge = renderChallenge({ publicUrl, resourcePath: "/mcp", scopes: ["openid"], error: "insufficient_scope" });
    const fault = { error: "insufficient_scope", error_description: "The access token lacks the scope openid." };
    return json(403, fault, { "cache-control": "no-store", "www-authenticate": challenge });
  }
  return json(200, {
    sub: subject,
    ...(scopes.has("profile") && profile?.name !== undefined ? { name: profile.name } : {}),
    ...(scopes.has("email") && profile?.email !== undefined
      ? { email: profile.email, email_verified: profile.emailVerified === true }
      : {}),
  });
}
