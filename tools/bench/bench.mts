import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Measure, measure, medianOf, type Request } from "./load.mts";
import { type ServerProcess, startServer } from "./server-process.mts";
import { signIn } from "./sign-in.mts";

/**
 * `bench.mts [SCENARIO]`: `tools-call`, an authenticated tools/call, Portico and the floor in turns, or `stores`, every
 * store and the bare library under it in turns. Figures of one run compare; those of two do not, because machines drift.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "4" },
    json: { type: "boolean", default: false },
  },
});

const MODERN = "2026-07-28";

function toolCall(token: string): Request {
  const meta = { "io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {} };
  return {
    path: "/mcp",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": MODERN,
      "mcp-method": "tools/call",
      "mcp-name": "health_check",
      authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "health_check", arguments: {}, _meta: meta } }),
  };
}

async function measureToolCall(): Promise<Readonly<Record<string, Measure>>> {
  const folder = mkdtempSync(join(tmpdir(), "portico-bench-"));
  const servers: Record<string, ServerProcess> = {};
  try {
    servers["portico"] = await startServer("../serve.mts", {
      PORT: "0",
      STATE_URL: `sqlite:${join(folder, "state.db")}`,
      // Counted, but not to be reached.
      CALLS_PER_MINUTE: "100000000",
    });
    servers["floor"] = await startServer("floor.mts");
    const request = toolCall(await signIn(servers["portico"].url.replace("127.0.0.1", "localhost")));
    const measures = new Map<string, Measure[]>();
    for (const [, server] of Object.entries(servers)) await measure(server, request, 2);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [name, server] of Object.entries(servers)) {
        const one = await measure(server, request, Number(values.seconds));
        measures.set(name, [...(measures.get(name) ?? []), one]);
      }
    }
    return Object.fromEntries([...measures].map(([name, all]) => [name, medianOf(all)]));
  } finally {
    for (const server of Object.values(servers)) await server.stop();
    rmSync(folder, { recursive: true });
  }
}

/** What a scenario found: `results` as they are for --json, and the same as rows for people. */
interface Report {
  readonly results: unknown;
  readonly rows: readonly object[];
}

async function benchToolCall(): Promise<Report> {
  const results = await measureToolCall();
  const floor = results["floor"]?.rate ?? 0;
  const rows = Object.entries(results).map(([name, { rate, p50, p99, cpu, memory }]) => ({
    tools_call: name,
    "requests/s": Math.round(rate),
    "p50 ms": p50,
    "p99 ms": p99,
    "CPU µs/request": Math.round(cpu),
    "memory MiB": Math.round(memory),
    "of the floor": inHundredths(rate / floor),
  }));
  return { results, rows };
}

async function benchStores(): Promise<Report> {
  const { measureStores } = await import("./stores.mts");
  const results = await measureStores(Number(values.rounds), Number(values.seconds), (line) => process.stderr.write(line));
  const rows = results.map(({ store, portico, bare, ratio }) => ({
    store,
    "operations/s": Math.round(portico),
    "bare library": Math.round(bare),
    "of the bare library": inHundredths(ratio),
  }));
  return { results, rows };
}

function inHundredths(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}

const SCENARIOS: Readonly<Record<string, { readonly name: string; readonly run: () => Promise<Report> }>> = {
  "tools-call": { name: "tools/call", run: benchToolCall },
  stores: { name: "stores", run: benchStores },
};

const [wanted = "tools-call", ...more] = positionals;
const scenario = Object.hasOwn(SCENARIOS, wanted) && more.length === 0 ? SCENARIOS[wanted] : undefined;
if (!scenario) {
  process.stderr.write(`give one scenario: ${Object.keys(SCENARIOS).join(" or ")}\n`);
  process.exit(2);
}
const { results, rows } = await scenario.run();
if (values.json) {
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
  process.stdout.write(`${JSON.stringify({ scenario: scenario.name, machine, results }, null, 2)}\n`);
} else {
  process.stdout.write(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, ${values.rounds} rounds of ${values.seconds} s in turns, medians\n`,
  );
  const { Console } = await import("node:console");
  new Console(process.stdout).table(rows);
}
