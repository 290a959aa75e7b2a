import { z } from "zod";
import type { Service } from "../../../shared/service.ts";
import { SealError } from "../../../shared/state/seal.ts";
import { lifetimes } from "../../lifetimes.ts";
import { createProviders } from "./provider.ts";

/** Where a browser comes back to after it was signed out at its provider. */
export const SIGNED_OUT = "/oauth/end_session/done";

const PURPOSE = "way on after a sign-out";
const wayCodec = z.strictObject({ location: z.string(), expiresAt: z.number() });

/**
 * Where to send a browser so that it is signed out at its provider as well (OpenID Connect RP-Initiated Logout 1.0 §2).
 * No ID token goes along: upstream tokens do not leave, so that the provider may ask the person first.
 * @param onward Where the browser is to go in the end, already checked; absent is our own page.
 * @returns Nothing where no provider can be signed out from, or none that answers.
 */
export async function upstreamLogoutUrl(service: Service, providerId: string, onward?: string): Promise<string | undefined> {
  const provider = service.part(createProviders).get(providerId);
  if (!provider?.upstream.logout) return undefined;
  // Our own sign-out is done, and must not fail with the other.
  const metadata = await provider.metadata().catch(() => undefined);
  if (metadata?.end_session_endpoint === undefined) return undefined;
  const url = new URL(metadata.end_session_endpoint);
  url.searchParams.set("client_id", provider.upstream.clientId);
  url.searchParams.set(provider.upstream.logout, service.config.publicUrl + SIGNED_OUT);
  if (onward !== undefined) {
    const way = { location: onward, expiresAt: service.clock() + lifetimes(service).transaction };
    url.searchParams.set("state", service.sealer.seal(PURPOSE, JSON.stringify(way)));
  }
  return url.href;
}

/** Where a browser goes on to that comes back from its provider: what we sealed ourselves, and nothing else. */
export function onwardFrom({ sealer, clock }: Service, state: string | null): string | undefined {
  if (state === null) return undefined;
  try {
    const { location, expiresAt } = wayCodec.parse(JSON.parse(sealer.open(PURPOSE, state)));
    return expiresAt > clock() ? location : undefined;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}
