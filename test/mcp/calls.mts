import type { TestContext } from "node:test";
import type { Call } from "../../mcp/methods/call.ts";
import { dispatch } from "../../mcp/methods/methods.ts";
import { type ClientFeatures, NO_FEATURES } from "../../mcp/protocol/client-features.ts";
import type { Params } from "../../mcp/protocol/json-rpc.ts";
import type { OpenSession, Session } from "../../mcp/sessions/sessions.ts";
import type { Asker } from "../../shared/capabilities/ask.ts";
import type { Caller } from "../../shared/capabilities/capability.ts";
import type { Announcer, Pack } from "../../shared/capabilities/offer.ts";
import type { Log } from "../../shared/log.ts";
import { createService, type Service } from "../../shared/service.ts";
import type { Json } from "./server.mts";

/** What a client can do that can do everything. */
export const ALL_FEATURES: ClientFeatures = { form: true, url: true, sampling: true, sampling_tools: true, roots: true, tasks: true };

const CALLER: Caller = {
  subject: "user-1",
  clientId: "client-1",
  scopes: new Set(["openid", "todos:read", "todos:write"]),
  grantId: "grant-1",
  audience: "http://localhost:4000/mcp",
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
};

/** @param scopes Instead of those of the to-dos. */
export function callerOf(subject: string, clientId = "client-1", scopes: readonly string[] = [...CALLER.scopes]): Caller {
  return { ...CALLER, subject, clientId, scopes: new Set(scopes) };
}

export interface CallSettings {
  readonly era?: Call["era"];
  readonly params?: Params;
  /** Laid into the params. */
  readonly meta?: Params;
  /** Null for a stranger. */
  readonly caller?: Caller | null;
  readonly client?: ClientFeatures;
  readonly session?: OpenSession;
  readonly signal?: AbortSignal;
  readonly ending?: AbortSignal;
  readonly asker?: Asker;
  readonly headers?: Readonly<Record<string, string>>;
  /** Gets the notifications on the call's stream. */
  readonly onNotify?: (method: string, params: Json) => void;
}

export interface Methods {
  readonly service: Service;
  /** What a provider of the service can say. */
  readonly announcer: Announcer;
  /** The result of a method, parsed. */
  call(method: string, settings?: CallSettings): Promise<Json>;
}

/** The methods on a real service without a transport: what they are given and what they give is seen as it is. */
export async function startMethods(
  test: Pick<TestContext, "after">,
  settings: { readonly pack?: Pack; readonly env?: Readonly<Record<string, string>>; readonly clock?: () => number } = {},
): Promise<Methods> {
  const { pack = {}, env = {}, clock = Date.now } = settings;
  const { promise: announcer, resolve } = Promise.withResolvers<Announcer>();
  const provider = {
    start(own: Announcer) {
      resolve(own);
      return pack;
    },
  };
  const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
  const service = await createService({ env: { STATE_URL: "sqlite::memory:", ...env }, clock, log: silent, providers: [provider] });
  test.after(async () => {
    service.stop();
    await service.close();
  });
  return {
    service,
    announcer: await announcer,
    call: async (method, given = {}) => JSON.parse(String(await dispatch(method, callOf(service, given)))),
  };
}

function callOf(service: Service, settings: CallSettings): Call {
  const { era = "modern", params = {}, meta, caller = CALLER, client = ALL_FEATURES, headers = {} } = settings;
  const never = new AbortController().signal;
  return {
    era,
    revision: era === "modern" ? "2026-07-28" : "2025-11-25",
    id: 7,
    params: meta ? { ...params, _meta: meta } : params,
    caller: caller ?? undefined,
    address: "127.0.0.1",
    service,
    client,
    session: settings.session,
    origin: { id: "request-1", signal: settings.signal ?? never },
    ending: settings.ending ?? never,
    asker: settings.asker ?? { supports: () => false, put: () => Promise.reject(new Error("nobody can be asked")) },
    header: (name) => headers[name],
    notify: (method, told) => settings.onNotify?.(method, JSON.parse(JSON.stringify(told))),
    releaseConnection() {},
    beginSession: async () => {},
    note() {},
  };
}

/** A legacy session that lives in memory, as a transport would find it. */
export function sessionOf(value: Partial<Session> = {}): OpenSession & { readonly now: () => Session } {
  let session: Session = {
    clientId: "client-1",
    revision: "2025-11-25",
    features: NO_FEATURES,
    subscriptions: [],
    createdAt: 0,
    ...value,
  };
  return {
    ...session,
    key: "session-1",
    subject: "user-1",
    now: () => session,
    update: async (change) => {
      session = change(session);
    },
  };
}
