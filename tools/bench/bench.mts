import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { moveToLoadCore } from "./cores.mts";
import { openBench, type Report, rounded, type Scenario } from "./scenario.mts";

/**
 * `bench.mts [SCENARIO …]`: every scenario, or those that are named, each with all its contenders in turns in one run.
 * Figures of one run compare; those of two do not, because machines drift.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    /** Of every contender; fewer than three are no verdict. */
    rounds: { type: "string", default: "3" },
    /** Of one round. */
    seconds: { type: "string", default: "4" },
    /** After how many calls the scenario `memory` looks at the memory. */
    calls: { type: "string", default: "1000000" },
  },
});

/** Each is loaded when it runs. */
const SCENARIOS: Readonly<Record<string, () => Promise<Scenario>>> = {
  "tools-call": async () => (await import("./scenarios/tools-call.mts")).toolsCall,
  "tools-call-tokens": async () => (await import("./scenarios/tools-call-tokens.mts")).toolsCallTokens,
  "tools-call-session": async () => (await import("./scenarios/tools-call-session.mts")).toolsCallSession,
  "tools-call-50": async () => (await import("./scenarios/tools-call-registered.mts")).toolsCallRegistered,
  "tools-list": async () => (await import("./scenarios/tools-list.mts")).toolsList,
  actions: async () => (await import("./scenarios/actions.mts")).actions,
  forged: async () => (await import("./scenarios/forged.mts")).forged,
  "client-credentials": async () => (await import("./scenarios/token.mts")).clientCredentialsScenario,
  "code-exchange": async () => (await import("./scenarios/token.mts")).codeExchange,
  refresh: async () => (await import("./scenarios/token.mts")).refreshing,
  discovery: async () => (await import("./scenarios/discovery.mts")).discovery,
  "sqlite-code": async () => (await import("./scenarios/sqlite-code.mts")).sqliteCode,
  start: async () => (await import("./scenarios/start.mts")).start,
  memory: async () => (await import("./scenarios/memory.mts")).memory,
  streams: async () => (await import("./scenarios/streams.mts")).streams,
  "growth-connections": async () => (await import("./scenarios/growth.mts")).growthConnections,
  "growth-results": async () => (await import("./scenarios/growth.mts")).growthResults,
  "growth-grants": async () => (await import("./scenarios/growth.mts")).growthGrants,
  stores: async () => (await import("./scenarios/stores.mts")).stores,
  "refresh-stores": async () => (await import("./scenarios/stores.mts")).refreshStores,
};

const RIVALS = [
  "@modelcontextprotocol/server",
  "@modelcontextprotocol/node",
  "@modelcontextprotocol/sdk",
  "express",
  "fastmcp",
  "jose",
  "oidc-provider",
];

const unknown = positionals.filter((name) => !Object.hasOwn(SCENARIOS, name));
if (unknown.length > 0) {
  process.stderr.write(`there is no scenario ${unknown.join(", ")}; there are: ${Object.keys(SCENARIOS).join(" ")}\n`);
  process.exit(2);
}
if (values.list) {
  for (const [name, load] of Object.entries(SCENARIOS)) process.stdout.write(`${name.padEnd(20)}${(await load()).about}\n`);
  process.exit(0);
}

const effort = { rounds: Number(values.rounds), seconds: Number(values.seconds), calls: Number(values.calls) };
const machine = {
  date: new Date().toISOString(),
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 1024 ** 3),
  pinned: moveToLoadCore(),
  versions: Object.fromEntries(RIVALS.map((name) => [name, versionOf(name)])),
};
const { Console } = await import("node:console");
const console = new Console(process.stdout);
if (!values.json) console.log(headOf());

const reports: (Report & { readonly scenario: string })[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(SCENARIOS)) {
  const scenario = await SCENARIOS[name]?.();
  if (!scenario) continue;
  const bench = openBench(effort, (line) => process.stderr.write(`${line}\n`));
  const report = await scenario.run(bench).finally(bench.close);
  reports.push({ scenario: name, ...report });
  if (!values.json) print(name, report);
}
if (values.json) process.stdout.write(`${JSON.stringify({ ...machine, ...effort, scenarios: reports }, null, 2)}\n`);

function versionOf(name: string): string {
  const file = join(import.meta.dirname, "../../node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { readonly version: string }).version;
}

function headOf(): string {
  const { date, node, cpu, cores, pinned, versions } = machine;
  const lines = [
    `${date}: Node ${node}, ${cores} × ${cpu}, ${effort.rounds} rounds of ${effort.seconds} s in turns, medians`,
    pinned ? "Servers on one core, the load on another." : "NOT PINNED: servers and load share cores (taskset and two cores are needed).",
    Object.entries(versions)
      .map((pair) => pair.join(" "))
      .join(", "),
  ];
  return [...lines, ...(effort.rounds < 3 ? ["Fewer than three rounds: the verdicts below are none."] : [])].join("\n");
}

function print(name: string, { tables, targets }: Report): void {
  for (const table of tables) {
    console.log(`\n${name}: ${table.name}`);
    console.table(table.rows);
  }
  for (const { name: about, target, ratio, met } of targets) {
    console.log(`${met ? "met    " : "NOT met"}  ${about}: ${rounded(ratio)} (${target})`);
  }
}
