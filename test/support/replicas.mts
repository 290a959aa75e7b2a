import { randomBytes } from "node:crypto";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type SpawnedService, spawnService } from "./host.mts";

/** Several processes of the service on one store, behind a proxy that sends each request to the next of them. */
export interface Replicas {
  /** The proxy's, and so everyone's public URL. */
  readonly url: string;
  readonly services: readonly SpawnedService[];
  /** Sends everything to one of them until `work` is done. */
  through<Result>(index: number, work: () => Promise<Result>): Promise<Result>;
  /** Ends one at once, as a crash would. The proxy goes on with the others; requests under way there fail. */
  kill(index: number): Promise<void>;
  close(): Promise<void>;
}

const STATE_KEYS = JSON.stringify({ keys: [{ kty: "oct", kid: "test", k: randomBytes(32).toString("base64url") }] });

/** Hop by hop (RFC 9110 §7.6.1), or made anew. */
const OWN_HEADERS = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** @param script What each of them runs, instead of the service as it is. */
export async function startReplicas(stateUrl: string, count = 2, script?: string): Promise<Replicas> {
  const agent = new Agent({ keepAlive: true });
  let living: SpawnedService[] = [];
  let only: SpawnedService | undefined;
  let turn = 0;

  const proxy = createServer((incoming, outgoing) => {
    turn += 1;
    const target = only ?? living[turn % living.length];
    if (target) forward(incoming, outgoing, new URL(target.url).port, agent);
    else outgoing.writeHead(502).end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(proxy.address() as AddressInfo).port}`;

  const services = await Promise.all(
    Array.from({ length: count }, () =>
      spawnService({ env: { PUBLIC_URL: url, STATE_URL: stateUrl, STATE_KEYS_JSON: STATE_KEYS }, ...(script ? { script } : {}) }),
    ),
  );
  living = [...services];
  return {
    url,
    services,
    async through(index, work) {
      only = services[index];
      try {
        return await work();
      } finally {
        only = undefined;
      }
    },
    async kill(index) {
      const victim = services[index];
      living = living.filter((service) => service !== victim);
      victim?.process.kill("SIGKILL");
      await victim?.exit;
    },
    async close() {
      await Promise.all(living.map((service) => service.stop()));
      agent.destroy();
      proxy.closeAllConnections();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

/** Everything as it came, the host it named included. */
function forward(incoming: IncomingMessage, outgoing: ServerResponse, port: string, agent: Agent): void {
  const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !OWN_HEADERS.has(name)));
  const sent = request({ host: "127.0.0.1", port, path: incoming.url, method: incoming.method, headers, agent }, (answer) => {
    const kept = Object.entries(answer.headersDistinct).filter(([name]) => !OWN_HEADERS.has(name));
    for (const [name, values] of kept) outgoing.setHeader(name, values ?? []);
    outgoing.writeHead(answer.statusCode ?? 502);
    answer.pipe(outgoing);
  });
  sent.on("error", () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()));
  outgoing.on("close", () => sent.destroy());
  incoming.pipe(sent);
}
