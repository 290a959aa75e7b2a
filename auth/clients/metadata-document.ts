import { z } from "zod";
import type { Config } from "../../shared/config.ts";
import { fetchUrlFault } from "../../shared/net/fetch-url.ts";
import { FetchFault } from "../../shared/net/guarded-fetch.ts";
import { OAuthError } from "../oauth-error.ts";
import type { AuthMethod, Client } from "./client.ts";
import { type DocumentSort, fetchedKind } from "./fetched.ts";
import { type ClientMetadata, checkMetadata, clientMetadata, enabledMethod, parseMetadata } from "./metadata.ts";

/** Clients whose id is the address of a document about them (draft-ietf-oauth-client-id-metadata-document). */

const documentCodec = clientMetadata.extend({
  client_id: z.string(),
  client_secret: z.undefined({ error: "there is no shared secret in a public document" }).optional(),
  client_secret_expires_at: z.undefined({ error: "there is no shared secret in a public document" }).optional(),
});

/** Bytes: inline keys included. */
const LIMIT = 16 * 1024;
const kind = fetchedKind("client_document");

/**
 * Whether an id is the address of a document, rather than one we gave: https with a path, nothing in it that a URL
 * parser would change (draft §2), so that one client cannot have two ids.
 */
export function isDocumentId(clientId: string, { clientDocuments, loopbackFetch }: Config): boolean {
  if (!clientDocuments.enabled || !/^https?:\/\//.test(clientId) || fetchUrlFault(clientId, loopbackFetch) !== undefined) return false;
  const url = new URL(clientId);
  return url.href === clientId && url.pathname !== "/";
}

export function metadataDocuments(config: Config): DocumentSort<Client> {
  return {
    kind,
    limit: LIMIT,
    read(document, url) {
      try {
        return clientOf(document, url, config);
      } catch (error) {
        if (error instanceof OAuthError) throw new FetchFault("refused", error.message);
        throw error;
      }
    },
  };
}

function clientOf(document: unknown, url: string, config: Config): Client {
  const metadata = parseMetadata(documentCodec, document);
  if (metadata.client_id !== url) throw new OAuthError("invalid_client_metadata", "client_id is not the address of the document.");
  return {
    clientId: url,
    origin: "document",
    ...checkMetadata(metadata, [methodOf(metadata, config)], config),
    surfaces: ["mcp"],
    pkce: "required",
    createdAt: 0,
  };
}

/**
 * A document that names no method cannot mean RFC 7591's default, which needs a secret: with keys it means to use them,
 * without keys it has nothing to prove itself with.
 */
function methodOf({ token_endpoint_auth_method: named, jwks, jwks_uri: jwksUri }: ClientMetadata, config: Config): AuthMethod {
  const method = enabledMethod(named ?? (jwks !== undefined || jwksUri !== undefined ? "private_key_jwt" : "none"), config);
  if (method === "none" || method === "private_key_jwt") return method;
  throw new OAuthError(
    "invalid_client_metadata",
    `token_endpoint_auth_method ${method} needs a secret, which a public document cannot have.`,
  );
}
