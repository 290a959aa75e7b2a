import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client";
import { Client as FirstClient } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport as FirstTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";

/** Where a client goes and what it shows there. */
export interface Door {
  /** The service's URL, or that of a proxy in front of it. */
  readonly url: string;
  readonly accessToken: string;
}

export interface ToolAnswer {
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
  readonly content?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly structuredContent?: any;
  readonly isError?: boolean | undefined;
}

export interface CallSettings {
  readonly signal?: AbortSignal;
  readonly onprogress?: (progress: { readonly progress: number }) => void;
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** What any of the official clients can do, under one set of names. */
export interface ConnectedClient {
  /** Methods of the requests that the service put to it, in order. */
  readonly asked: readonly string[];
  /** Notifications other than progress, in order. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
  readonly told: readonly { readonly method: string; readonly params?: any }[];
  call(name: string, args?: Readonly<Record<string, unknown>>, settings?: CallSettings): Promise<ToolAnswer>;
  /** Names of what is listed. */
  tools(): Promise<string[]>;
  prompts(): Promise<string[]>;
  /** Addresses. */
  resources(): Promise<string[]>;
  templates(): Promise<string[]>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
  prompt(name: string, args?: Readonly<Record<string, string>>): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  read(uri: string): Promise<any>;
  completePrompt(name: string, argument: string, typed: string, others?: Readonly<Record<string, string>>): Promise<string[]>;
  completeTemplate(uriTemplate: string, variable: string, typed: string): Promise<string[]>;
  /** Wants to hear of every list and of one resource. */
  watch(uri: string): Promise<void>;
  /** Wants log messages of a call: what its settings need for that. */
  wantLogs(): Promise<CallSettings>;
  close(): Promise<void>;
}

const IDENTITY = { name: "test", version: "1.0.0" };

export const CAPABILITIES = {
  elicitation: { form: {}, url: {} },
  sampling: {},
  roots: { listChanged: true },
};

/** How a connection that broke is taken up again: soon, a few times. In milliseconds. */
const RECONNECTION = { initialReconnectionDelay: 50, maxReconnectionDelay: 500, reconnectionDelayGrowFactor: 1.5, maxRetries: 10 };

const ROOTS = { roots: [{ uri: "file:///work", name: "Work" }] };

/** What the client's model always says. */
function thought() {
  return { role: "assistant" as const, model: "test-model", content: { type: "text" as const, text: "Paris." }, stopReason: "endTurn" };
}

/** The person agrees to everything, and fills forms in with what they suggest, or with a value of the type. */
// biome-ignore lint/suspicious/noExplicitAny: the versions' types for it differ.
function fillIn(params: any): { action: "accept"; content?: Record<string, any> } {
  if (params.mode === "url") return { action: "accept" };
  const fields: Record<string, Record<string, unknown>> = params.requestedSchema.properties;
  return { action: "accept", content: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, valueFor(field)])) };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the field takes.
function valueFor(field: any): unknown {
  if (field.default !== undefined) return field.default;
  if (field.type === "array") return [valueFor(field.items)];
  const first = field.enum?.[0] ?? (field.oneOf ?? field.anyOf)?.[0].const;
  if (field.format === "email") return "ann@example.com";
  return first ?? { boolean: true, integer: 1, number: 1, string: "Ann" }[field.type as string];
}

/** `@modelcontextprotocol/client` 2.x over Streamable HTTP. */
export async function connectModern(
  { url, accessToken }: Door,
  mode: VersionNegotiationMode,
): Promise<ConnectedClient & { client: Client }> {
  const client = new Client(IDENTITY, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
  const { asked, told, remember } = createMemory();
  client.setRequestHandler("elicitation/create", remember("elicitation/create", fillIn));
  client.setRequestHandler("sampling/createMessage", remember("sampling/createMessage", thought));
  client.setRequestHandler(
    "roots/list",
    remember("roots/list", () => ROOTS),
  );
  client.fallbackNotificationHandler = async (notification) => void told.push(notification);
  const headers = { authorization: `Bearer ${accessToken}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers }, reconnectionOptions: RECONNECTION }),
  );
  const modern = client.getProtocolEra() === "modern";

  return {
    client,
    asked,
    told,
    async call(name, args = {}, { meta, ...options } = {}) {
      return await client.callTool({ name, arguments: args, ...(meta ? { _meta: meta } : {}) }, options);
    },
    ...listsOf(client),
    async watch(uri) {
      if (!modern) return void (await client.subscribeResource({ uri }));
      const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
      await client.listen({ ...all, resourceSubscriptions: [uri] });
    },
    async wantLogs() {
      if (modern) return { meta: { "io.modelcontextprotocol/logLevel": "info" } };
      await client.setLoggingLevel("info");
      return {};
    },
    close: () => client.close(),
  };
}

/** `@modelcontextprotocol/sdk` 1.x over Streamable HTTP. */
export function connectFirst({ url, accessToken }: Door): Promise<ConnectedClient> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return connectFirstOver(new FirstTransport(new URL(`${url}/mcp`), { requestInit: { headers }, reconnectionOptions: RECONNECTION }));
}

/** The same over HTTP+SSE, the transport of 2024-11-05. */
export function connectOverSse({ url, accessToken }: Door): Promise<ConnectedClient> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return connectFirstOver(new SSEClientTransport(new URL(`${url}/sse`), { requestInit: { headers } }));
}

/** The same over stdio to `mcp-remote`, which brings a token of its own and so needs no browser. */
export async function connectThroughMcpRemote({ url, accessToken }: Door): Promise<ConnectedClient> {
  // It keeps notes about servers in the home folder.
  const home = await mkdtemp(join(tmpdir(), "portico-mcp-remote-"));
  const script = fileURLToPath(import.meta.resolve("mcp-remote/dist/proxy.js"));
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [script, `${url}/mcp`, "--allow-http", "--transport", "http-only", "--header", "Authorization:$" + "{AUTH_HEADER}"],
    env: { PATH: process.env["PATH"] ?? "", HOME: home, MCP_REMOTE_CONFIG_DIR: home, AUTH_HEADER: `Bearer ${accessToken}` },
    stderr: "ignore",
  });
  const connected = await connectFirstOver(transport);
  return {
    ...connected,
    async close() {
      await connected.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: the SDK's own transports do not fit its own interface under exact optional types.
async function connectFirstOver(transport: any): Promise<ConnectedClient> {
  const client = new FirstClient(IDENTITY, { capabilities: CAPABILITIES });
  const { asked, told, remember } = createMemory();
  client.setRequestHandler(ElicitRequestSchema, (request) => remember("elicitation/create", fillIn)(request));
  client.setRequestHandler(CreateMessageRequestSchema, (request) => remember("sampling/createMessage", thought)(request));
  client.setRequestHandler(ListRootsRequestSchema, (request) => remember("roots/list", () => ROOTS)(request));
  client.fallbackNotificationHandler = async (notification) => void told.push(notification);
  await client.connect(transport);

  return {
    asked,
    told,
    async call(name, args = {}, { meta, ...options } = {}) {
      const answer = await client.callTool({ name, arguments: args, ...(meta ? { _meta: meta } : {}) }, undefined, options);
      return answer as ToolAnswer;
    },
    ...listsOf(client as unknown as Client),
    watch: async (uri) => void (await client.subscribeResource({ uri })),
    async wantLogs() {
      await client.setLoggingLevel("info");
      return {};
    },
    close: () => client.close(),
  };
}

/** What both versions of the client do in the same way. */
function listsOf(client: Client) {
  return {
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    prompts: async () => (await client.listPrompts()).prompts.map(({ name }) => name),
    resources: async () => (await client.listResources()).resources.map(({ uri }) => uri),
    templates: async () => (await client.listResourceTemplates()).resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    prompt: (name, args = {}) => client.getPrompt({ name, arguments: args }),
    read: (uri) => client.readResource({ uri }),
    async completePrompt(name, argument, value, others = {}) {
      const ref = { type: "ref/prompt", name } as const;
      return (await client.complete({ ref, argument: { name: argument, value }, context: { arguments: others } })).completion.values;
    },
    async completeTemplate(uri, variable, value) {
      return (await client.complete({ ref: { type: "ref/resource", uri }, argument: { name: variable, value } })).completion.values;
    },
  } satisfies Partial<ConnectedClient>;
}

function createMemory() {
  const asked: string[] = [];
  const told: { method: string; params?: unknown }[] = [];
  return {
    asked,
    told,
    /** A handler that notes what it was asked and answers from the request's parameters. */
    remember:
      <T,>(method: string, reply: (params: unknown) => T) =>
      async (request: { readonly params?: unknown }): Promise<T> => {
        asked.push(method);
        return reply(request.params);
      },
  };
}

/**
 * Looks every few milliseconds until there is something to see.
 * @throws {Error} after ten seconds without.
 */
export async function eventually<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`in ten seconds there was no ${what}`);
    await delay(20);
  }
}
