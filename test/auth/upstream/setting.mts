import type { AccountClaims, ClientMetadata } from "oidc-provider";
import { startPlainHost, type TestHost } from "../../support/host.mts";
import { startUpstream, type TestUpstream, UPSTREAM_CLIENT, type UpstreamSettings } from "../../support/upstream.mts";

/** Ann, as most providers tell of her. */
export const ANN: AccountClaims = { sub: "ann", email: "ann@example.com", email_verified: true, name: "Ann Example" };

export interface Setting {
  readonly settings?: UpstreamSettings;
  /** Members of the entry in UPSTREAMS_JSON beside id, issuer and client. */
  readonly entry?: Readonly<Record<string, unknown>>;
  /** How the operator writes what the provider publishes; the same when absent. */
  readonly written?: (issuer: string) => string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: () => number;
  /** How the provider registered the service. */
  readonly client?: Partial<ClientMetadata>;
  /** What Ann is told of beside or instead of the usual. */
  readonly ann?: Partial<AccountClaims>;
}

export interface Running {
  readonly host: TestHost;
  readonly upstream: TestUpstream;
}

/** A service whose people sign in at one provider, with the id "upstream", where Ann is known. */
export async function withUpstream(setting: Setting, use: (running: Running) => Promise<void>): Promise<void> {
  const { settings, entry, written = (issuer) => issuer, env, clock, client, ann } = setting;
  const upstream = await startUpstream(settings);
  upstream.people.set("ann", { ...ANN, ...ann });
  const upstreams = [
    { id: "upstream", issuer: written(upstream.issuer), client_id: UPSTREAM_CLIENT.id, client_secret: UPSTREAM_CLIENT.secret, ...entry },
  ];
  const host = await startPlainHost({
    env: { UPSTREAMS_JSON: JSON.stringify(upstreams), ALLOWED_EMAIL_DOMAINS: "example.com", ...env },
    ...(clock ? { clock } : {}),
  });
  try {
    await upstream.open({ redirect_uris: [`${host.url}/oauth/callback/upstream`], ...client });
    await use({ host, upstream });
  } finally {
    await host.close();
    await upstream.close();
  }
}
