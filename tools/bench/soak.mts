import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setInterval as every } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type ServerProcess, startServer } from "./server-process.mts";
import { signIn } from "./sign-in.mts";

/**
 * `soak.mts`: idle streams of both eras beside a steady rate of calls. It fails when a stream is lost, a call fails, or
 * the heap after a collection has grown by more than 5 %.
 */
const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "2000" },
    /** Calls a second. */
    rate: { type: "string", default: "200" },
    seconds: { type: "string", default: "180" },
  },
});
const STREAMS = Number(values.streams);
const RATE = Number(values.rate);
const SECONDS = Number(values.seconds);
/** Streams of one person; half of them belong to sessions, of which a person may have a hundred. */
const STREAMS_A_PERSON = 200;
const MODERN = "2026-07-28";
const LEGACY = "2025-11-25";
const MOST_GROWTH = 0.05;

const META = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} };
const calling = new Agent({ keepAlive: true, maxSockets: 32 });
const listening = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

interface Sent {
  readonly method: "GET" | "POST";
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
}

async function send(server: ServerProcess, agent: Agent, { method, token, headers, body }: Sent): Promise<IncomingMessage> {
  const sent = request(`${server.url}/mcp`, {
    method,
    agent,
    headers: {
      authorization: `Bearer ${token}`,
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      ...headers,
    },
  });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  return response;
}

/** What a client sends for a call, in its era. */
function call(token: string, method: string, params: object, session: string | undefined): Sent {
  if (session !== undefined) {
    const headers = { "mcp-session-id": session, "mcp-protocol-version": LEGACY };
    return { method: "POST", token, headers, body: { jsonrpc: "2.0", id: 1, method, params } };
  }
  const name = "name" in params ? { "mcp-name": String(params.name) } : {};
  const headers = { "mcp-protocol-version": MODERN, "mcp-method": method, ...name };
  return { method: "POST", token, headers, body: { jsonrpc: "2.0", id: 1, method, params: { ...params, _meta: META } } };
}

async function beginSession(server: ServerProcess, token: string): Promise<string> {
  const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: "soak", version: "1" } };
  const response = await send(server, calling, { ...call(token, "initialize", params, ""), headers: {} });
  response.resume();
  const id = response.headers["mcp-session-id"];
  if (typeof id !== "string") throw new Error(`no session: ${response.statusCode}`);
  return id;
}

interface Lost {
  streams: number;
}

/** Opens a stream and keeps it; `lost` counts it when it ends. */
async function hold(server: ServerProcess, sent: Sent, lost: Lost): Promise<void> {
  const response = await send(server, listening, sent);
  if (response.statusCode !== 200) throw new Error(`a stream was refused: ${response.statusCode}`);
  response.resume();
  response.on("close", () => lost.streams++);
}

async function openStreams(server: ServerProcess, tokens: readonly string[], sessions: string[], lost: Lost): Promise<void> {
  for (const token of tokens) {
    for (let n = 0; n < STREAMS_A_PERSON / 2; n++) {
      const session = await beginSession(server, token);
      sessions.push(session);
      await hold(server, { method: "GET", token, headers: { "mcp-session-id": session, "mcp-protocol-version": LEGACY } }, lost);
      await hold(server, call(token, "subscriptions/listen", { notifications: { toolsListChanged: true } }, undefined), lost);
    }
  }
}

/** Calls at a steady rate, modern and with a session in turns. @returns how many failed. */
async function callSteadily(
  server: ServerProcess,
  tokens: readonly string[],
  sessions: readonly string[],
): Promise<{ calls: number; failed: number }> {
  const count = { calls: 0, failed: 0 };
  const until = performance.now() + SECONDS * 1000;
  const underWay = new Set<Promise<void>>();
  for await (const _tick of every(10)) {
    if (performance.now() > until) break;
    const due = Math.floor(((SECONDS * 1000 - (until - performance.now())) / 1000) * RATE);
    for (; count.calls < due; count.calls++) {
      const person = count.calls % tokens.length;
      const session = count.calls % 2 === 0 ? sessions[person * (STREAMS_A_PERSON / 2)] : undefined;
      const one = send(server, calling, call(tokens[person] ?? "", "tools/call", { name: "auth_session", arguments: {} }, session)).then(
        (response) => {
          if (response.statusCode !== 200) count.failed++;
          response.resume();
        },
        () => void count.failed++,
      );
      underWay.add(one);
      void one.finally(() => underWay.delete(one));
    }
  }
  await Promise.all(underWay);
  return count;
}

const folder = mkdtempSync(join(tmpdir(), "portico-soak-"));
const server = await startServer("../start.mjs", {
  PORT: "0",
  STATE_URL: `sqlite:${join(folder, "state.db")}`,
  MCP_STREAMS_PER_SUBJECT: String(STREAMS_A_PERSON),
  CALLS_PER_MINUTE: "100000",
  NODE_OPTIONS: "--inspect=127.0.0.1:0",
});
try {
  const people = Math.ceil(STREAMS / STREAMS_A_PERSON);
  const tokens: string[] = [];
  const base = server.url.replace("127.0.0.1", "localhost");
  for (let person = 0; person < people; person++) tokens.push(await signIn(base, `soak${person}@example.com`));
  const lost: Lost = { streams: 0 };
  const sessions: string[] = [];
  const empty = await server.heap();
  await openStreams(server, tokens, sessions, lost);
  // What is compiled and cached by the first calls is no growth.
  await Promise.all(
    tokens.map((token) => send(server, calling, call(token, "tools/list", {}, undefined)).then((response) => response.resume())),
  );
  const before = await server.heap();
  const { calls, failed } = await callSteadily(server, tokens, sessions);
  const after = await server.heap();
  const growth = after / before - 1;
  const mib = (bytes: number) => Math.round((bytes / 1024 / 1024) * 10) / 10;
  const { Console } = await import("node:console");
  new Console(process.stdout).table([
    {
      streams: people * STREAMS_A_PERSON,
      lost: lost.streams,
      calls,
      failed,
      "heap before MiB": mib(before),
      "heap after MiB": mib(after),
      "growth %": Math.round(growth * 1000) / 10,
      "heap a stream KiB": Math.round((before - empty) / 1024 / (people * STREAMS_A_PERSON)),
      "resident MiB": mib(server.memory()),
    },
  ]);
  if (lost.streams > 0 || failed > 0 || growth > MOST_GROWTH) process.exitCode = 1;
} finally {
  listening.destroy();
  calling.destroy();
  await server.stop();
  rmSync(folder, { recursive: true });
}
