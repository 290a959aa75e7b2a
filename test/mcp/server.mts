import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { handleMessages, handleSse } from "../../mcp/transport/http-sse.ts";
import { handleMcp } from "../../mcp/transport/streamable-http.ts";
import { mcpSurface } from "../../mcp/transport/surface.ts";
import type { Caller, CapabilityDefinition } from "../../shared/capabilities/capability.ts";
import type { Provider } from "../../shared/capabilities/offer.ts";
import { registryOf } from "../../shared/capabilities/registry.ts";
import { serve } from "../../shared/http/serve.ts";
import type { Log } from "../../shared/log.ts";
import { createService, install, type Service } from "../../shared/service.ts";

export const MODERN = "2026-07-28";
export const PREFIX = "io.modelcontextprotocol/";
export const META = {
  [`${PREFIX}protocolVersion`]: MODERN,
  [`${PREFIX}clientInfo`]: { name: "test", version: "1.0.0" },
  [`${PREFIX}clientCapabilities`]: {},
};

/** A person with every scope of the to-dos, so that what is tested is the protocol and not the sign-in. */
const CALLER: Caller = {
  subject: "user-1",
  clientId: "client-1",
  scopes: new Set(["openid", "profile", "email", "todos:read", "todos:write"]),
  grantId: "grant-1",
  audience: "http://localhost:4000/mcp",
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
  authTime: 1_800_000_000,
  profile: { email: "ada@example.com", emailVerified: true, name: "Ada" },
};

export interface McpSettings {
  /** Variables beside the state, which is in memory unless they say otherwise. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Beside the service's own packs. */
  readonly providers?: readonly Provider[];
  /** Instead of the service's own. */
  readonly capabilities?: readonly CapabilityDefinition[];
  /** Instead of taking everyone for {@link CALLER}; "real" verifies tokens as the service does. */
  readonly verify?: "real" | Service["bearer"]["verify"];
  /** Scopes of the caller, instead of all. */
  readonly scopes?: readonly string[];
  /** Gets every line of the log. */
  readonly onLog?: (level: string, fields: Json, message: string) => void;
}

/** The JSON of an answer; the tests assert what it is. */
// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of each member
export type Json = any;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when there is none. */
  readonly body: Json;
  readonly text: string;
}

export interface ModernChange {
  /** Laid over the headers; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** Laid over `_meta`; undefined takes a member away. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly id?: string | number;
  readonly signal?: AbortSignal;
}

export interface McpServer {
  readonly url: string;
  readonly service: Service;
  /** Resolves when the server has met the next end of a connection. */
  disconnection(): Promise<void>;
  request(method: string, headers?: Readonly<Record<string, string | undefined>>, body?: unknown, signal?: AbortSignal): Promise<Answer>;
  /** A POST of JSON with these headers; text and bytes go as they are. */
  post(body: unknown, headers?: Readonly<Record<string, string | undefined>>): Promise<Answer>;
  /** A legacy request with id 1. */
  legacy(method: string, params?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** A modern request, complete; `change` spoils what it likes. */
  modern(method: string, params?: Readonly<Record<string, unknown>>, change?: ModernChange): Promise<Answer>;
}

/** The MCP endpoint behind a real HTTP server, until the test ends. */
export async function startMcp(test: Pick<TestContext, "after">, settings: McpSettings = {}): Promise<McpServer> {
  const service = await serviceOf(settings);
  install(service);
  const handlers = { "/mcp": handleMcp, "/": handleMcp, "/sse": handleSse, "/messages": handleMessages };
  const server = createServer((incoming, outgoing) => {
    const path = new URL(incoming.url ?? "/", "http://localhost").pathname;
    void serve(mcpSurface, handlers[path as keyof typeof handlers])(incoming, outgoing);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const disconnections = new EventEmitter();
  server.on("connection", (socket) => socket.on("close", () => disconnections.emit("one")));
  test.after(async () => {
    service.stop();
    server.closeAllConnections();
    server.close();
    await service.close();
  });
  const url = `http://localhost:${(server.address() as AddressInfo).port}/mcp`;

  const request: McpServer["request"] = async (method, headers = {}, body, signal) => {
    const response = await fetch(url, { method, headers: present(headers), body: encode(body), signal: signal ?? null });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text), text };
  };
  const post: McpServer["post"] = (body, headers = {}) => request("POST", { "content-type": "application/json", ...headers }, body);

  return {
    url,
    service,
    disconnection: async () => void (await once(disconnections, "one")),
    request,
    post,
    legacy: (method, params, headers) => post({ jsonrpc: "2.0", id: 1, method, params }, headers),
    modern(method, params = {}, { headers = {}, meta = {}, id = 1, signal } = {}) {
      const name = params["name"] ?? params["uri"];
      const all = {
        "content-type": "application/json",
        "mcp-protocol-version": MODERN,
        "mcp-method": method,
        "mcp-name": typeof name === "string" ? name : undefined,
        ...headers,
      };
      return request("POST", all, { jsonrpc: "2.0", id, method, params: { ...params, _meta: { ...META, ...meta } } }, signal);
    },
  };
}

/** The real service; tests may give it other capabilities, another caller and a log that they can read. */
async function serviceOf(settings: McpSettings): Promise<Service> {
  const { env, clock, providers = [], capabilities, verify, scopes, onLog = () => undefined } = settings;
  const at = (level: string) => (fields: object, message: string) => onLog(level, fields, message);
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  const real = await createService({ env: { STATE_URL: "sqlite::memory:", ...env }, log, providers, ...(clock ? { clock } : {}) });
  const caller = scopes ? { ...CALLER, scopes: new Set(scopes) } : CALLER;
  const parts = new Map<unknown, unknown>();
  const derived = new WeakMap<object, Map<unknown, unknown>>();
  function madeOnce<T>(known: Map<unknown, unknown>, make: (service: Service) => T): T {
    if (!known.has(make)) known.set(make, make(service));
    return known.get(make) as T;
  }
  const service: Service = {
    ...real,
    registry: capabilities ? registryOf([{ capabilities }]) : real.registry,
    bearer: verify === "real" ? real.bearer : { ...real.bearer, verify: verify ?? (async () => caller) },
    part: (make) => madeOnce(parts, make),
    derived(make) {
      const known = derived.get(service.registry.catalog) ?? new Map();
      derived.set(service.registry.catalog, known);
      return madeOnce(known, make);
    },
  };
  return service;
}

function present(headers: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
}

function encode(body: unknown): string | Uint8Array<ArrayBuffer> | null {
  if (body === undefined) return null;
  if (typeof body === "string") return body;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}
