import type { Service } from "../../shared/service.ts";

/** Whom an ID token of ours names, and the client it was made for. */
export interface IdTokenHint {
  readonly sub: string;
  readonly clientId: string;
}

/** Characters: ours are far below. */
const MAX_LENGTH = 4_000;

/**
 * Reads an ID token that a client sends back as a hint. It may have expired: it says who is meant, and opens nothing
 * (OpenID Connect Core §3.1.2.1, RP-Initiated Logout §2).
 * @returns Nothing for what is not an ID token with a signature of ours. An access token is none.
 * @throws {Unavailable} when the keys cannot be read.
 */
export async function readIdTokenHint(service: Service, hint: string): Promise<IdTokenHint | undefined> {
  if (hint.length > MAX_LENGTH) return undefined;
  const { compactVerify, decodeProtectedHeader } = await import("jose");
  const kid = kidOf(() => decodeProtectedHeader(hint));
  const key = kid === undefined ? undefined : await service.bearer.keys.find(kid);
  if (!key) return undefined;
  try {
    const { payload, protectedHeader } = await compactVerify(hint, key.key, { algorithms: ["RS256"] });
    if (protectedHeader.typ !== "JWT") return undefined;
    const { iss, sub, aud } = JSON.parse(new TextDecoder().decode(payload)) as Readonly<Record<string, unknown>>;
    if (iss !== service.config.publicUrl || typeof sub !== "string" || typeof aud !== "string") return undefined;
    return { sub, clientId: aud };
  } catch {
    return undefined;
  }
}

function kidOf(header: () => { readonly kid?: unknown }): string | undefined {
  try {
    const { kid } = header();
    return typeof kid === "string" ? kid : undefined;
  } catch {
    return undefined;
  }
}
