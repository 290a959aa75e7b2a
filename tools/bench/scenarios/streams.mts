import { begin } from "../ask.mts";
import { rivalEnv, startPortico } from "../contenders.mts";
import type { Request } from "../load.mts";
import { beginSession, LEGACY, modern } from "../mcp-requests.mts";
import { grantsOf, personOf } from "../production.mts";
import { atMost, type Bench, rounded, type Scenario } from "../scenario.mts";
import type { ServerProcess } from "../server-process.mts";

const STREAMS = 2_000;
/** What the first streams load and compile is no stream's. */
const FIRST_STREAMS = 100;
/** No more than a person may have open by default. */
const STREAMS_A_PERSON = 50;
const PEOPLE = (STREAMS + FIRST_STREAMS) / STREAMS_A_PERSON;
const INSPECTED = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

interface Holder {
  readonly name: string;
  readonly server: ServerProcess;
  /** The request that opens the stream of this number. */
  readonly request: (stream: number) => Request | Promise<Request>;
}

interface StreamMemory {
  readonly name: string;
  /** Bytes a stream. */
  readonly resident: number;
  readonly heap: number;
}

/** Opens streams up to a number and keeps them. @throws {Error} when one is refused. */
async function hold({ name, server, request }: Holder, from: number, to: number, open: (() => void)[]): Promise<void> {
  for (let stream = from; stream < to; stream++) {
    const response = await begin(server, await request(stream));
    if (response.statusCode !== 200 || !response.headers["content-type"]?.startsWith("text/event-stream")) {
      throw new Error(`${name} opens no stream: ${response.statusCode}`);
    }
    response.on("error", () => {});
    response.resume();
    open.push(() => response.destroy());
  }
}

/** By the difference that 2,000 streams make to resident memory and to the heap, both after a forced collection. */
async function measureStreams(holder: Holder): Promise<StreamMemory> {
  const open: (() => void)[] = [];
  try {
    await hold(holder, 0, FIRST_STREAMS, open);
    const { server } = holder;
    const before = { heap: await server.heap(), resident: server.memory() };
    await hold(holder, FIRST_STREAMS, FIRST_STREAMS + STREAMS, open);
    const after = { heap: await server.heap(), resident: server.memory() };
    return {
      name: holder.name,
      resident: (after.resident - before.resident) / STREAMS,
      heap: (after.heap - before.heap) / STREAMS,
    };
  } finally {
    for (const close of open) close();
  }
}

async function holdersOf(bench: Bench): Promise<readonly Holder[]> {
  const { server, production } = await startPortico(bench, { grants: grantsOf(PEOPLE), env: INSPECTED });
  const env = { ...rivalEnv(production), ...INSPECTED };
  const tokens = Array.from({ length: PEOPLE }, (_, number) => production.token(personOf(number)));
  const tokenOf = (stream: number) => tokens[Math.floor(stream / STREAMS_A_PERSON)] ?? "";
  const listen = (stream: number) => modern(tokenOf(stream), "subscriptions/listen", { notifications: { toolsListChanged: true } });
  const v1 = await bench.start("rivals/sdk-v1-sessions.mts", env);
  return [
    { name: "Portico, subscriptions/listen", server, request: listen },
    { name: "bare node:http", server: await bench.start("rivals/event-stream.mts", INSPECTED), request: listen },
    { name: "SDK v2, subscriptions/listen", server: await bench.start("rivals/sdk-v2.mts", env), request: listen },
    {
      name: "SDK v1, GET of a session",
      server: v1,
      async request(stream) {
        const session = await beginSession(v1, tokenOf(stream));
        const headers = { accept: "text/event-stream", "mcp-session-id": session, "mcp-protocol-version": LEGACY };
        return { method: "GET", path: "/mcp", headers: { ...headers, authorization: `Bearer ${tokenOf(stream)}` } };
      },
    },
  ];
}

const kib = (bytes: number) => rounded(bytes / 1024);

export const streams: Scenario = {
  about: "2,000 open streams, bytes a stream: bare node:http, the official SDKs",
  async run(bench) {
    const found: StreamMemory[] = [];
    for (const holder of await holdersOf(bench)) found.push(await measureStreams(holder));
    const [portico, bare] = found;
    return {
      tables: [
        {
          name: `${STREAMS} idle streams; differences after forced collections`,
          rows: found.map(({ name, resident, heap }) => ({
            contender: name,
            "resident KiB/stream": kib(resident),
            "heap KiB/stream": kib(heap),
          })),
        },
      ],
      targets: [atMost("idle stream, resident: Portico / bare node:http", (portico?.resident ?? 0) / (bare?.resident ?? 0), 1.4)],
    };
  },
};
