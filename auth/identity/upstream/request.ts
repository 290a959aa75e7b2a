import { sha256 } from "../../../shared/hash.ts";
import type { Provider } from "./provider.ts";

/** What a client asked of the sign-in; what concerns consent is not among it. */
export interface SignInHints {
  readonly prompt?: readonly string[] | undefined;
  /** Seconds. */
  readonly maxAge?: number | undefined;
  readonly acrValues?: string | undefined;
}

export interface UpstreamRequest {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly loginHint: string | undefined;
  readonly hints: SignInHints;
}

/**
 * Where a browser is sent to sign in (OpenID Connect Core §3.1.2.1, RFC 7636 §4.3).
 * @throws {UpstreamFault} when the provider cannot be asked where that is.
 */
export async function upstreamUrl(provider: Provider, { state, nonce, verifier, loginHint, hints }: UpstreamRequest): Promise<string> {
  const { upstream, redirectUri } = provider;
  const metadata = await provider.metadata();
  const url = new URL(metadata.authorization_endpoint ?? "");
  const parameters: Readonly<Record<string, string | undefined>> = {
    login_hint: loginHint,
    acr_values: hints.acrValues,
    ...upstream.parameters,
    prompt: promptOf(metadata["prompt_values_supported"] ?? upstream.prompts, upstream.parameters["prompt"], hints.prompt),
    max_age: youngest(upstream.maxAge, hints.maxAge),
    response_type: "code",
    client_id: upstream.clientId,
    redirect_uri: redirectUri,
    scope: upstream.scope,
    state,
    nonce,
    code_challenge: sha256(verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}

/** What the operator wants and what the client wants; where a provider knows only one way to ask who it is, that one. */
function promptOf(known: unknown, configured = "", asked: readonly string[] = []): string | undefined {
  const knows = (prompt: string) => Array.isArray(known) && known.includes(prompt);
  const nearest = (prompt: string) => (knows(prompt) ? prompt : knows("login") ? "login" : "select_account");
  const all = new Set([...configured.split(" ").filter((prompt) => prompt !== ""), ...asked.map(nearest)]);
  // It goes with no other (OpenID Connect Core §3.1.2.1).
  if (all.size > 1) all.delete("none");
  return all.size === 0 ? undefined : [...all].join(" ");
}

/** Seconds; the lower of what operator and client want. */
export function youngest(configured: number | undefined, asked: number | undefined): string | undefined {
  const wanted = [configured, asked].filter((seconds) => seconds !== undefined);
  return wanted.length === 0 ? undefined : String(Math.min(...wanted));
}
