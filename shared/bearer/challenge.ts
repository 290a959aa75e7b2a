/** What a challenge says beside the resource metadata's URL (RFC 6750 §3, RFC 9728 §5.1). */
export interface Challenge {
  readonly publicUrl: string;
  /** The path that was called, as it was called: its metadata is named (RFC 9728 §3.1). */
  readonly resourcePath: string;
  /** Scopes to ask for: the surface's, or with `insufficient_scope` every one the operation needs. */
  readonly scopes: readonly string[];
  /** Only when a token was presented. */
  readonly error?: "invalid_token" | "insufficient_scope";
  readonly description?: string;
}

function resourceMetadataUrl(publicUrl: string, resourcePath: string): string {
  return `${publicUrl}/.well-known/oauth-protected-resource${resourcePath}`;
}

/** The value of a `www-authenticate` header. */
export function renderChallenge({ publicUrl, resourcePath, scopes, error, description }: Challenge): string {
  const parts = [`resource_metadata=${quote(resourceMetadataUrl(publicUrl, resourcePath))}`];
  if (error) parts.push(`error=${quote(error)}`);
  if (description) parts.push(`error_description=${quote(description)}`);
  if (scopes.length > 0) parts.push(`scope=${quote(scopes.join(" "))}`);
  return `Bearer ${parts.join(", ")}`;
}

/** RFC 6750 §3 allows printable ASCII without quotation mark and backslash. */
function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?")}"`;
}
