import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Server } from "node:net";
import type { GlobalCors } from "./encore/app.mts";
import { createCors } from "./encore/cors.mts";
import type { Endpoint } from "./encore/endpoints.mts";
import { createGateway, type Gateway, GatewayResponse } from "./encore/gateway.mts";
import { createRouter } from "./encore/router.mts";
import { invokePlainly } from "./plain-invoke.mts";

/** What a host needs of the service it serves. */
export interface Served {
  readonly config: { readonly allowedOrigins: readonly string[] };
  /** Ends streams. */
  stop(): void;
  /** After the last request. */
  close(): Promise<void>;
}

/** Has an endpoint answer a request. */
export type Invoke = (endpoint: Endpoint, request: IncomingMessage, response: ServerResponse) => void;

export interface HostOptions {
  readonly endpoints: readonly Endpoint[];
  readonly cors: GlobalCors;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Makes the service, once the port is taken and so known; requests wait for it. */
  readonly open: (port: number) => Promise<Served>;
  /** Plain Node unless given. */
  readonly invoke?: Invoke;
  /** How long requests under way may go on after `close`, in milliseconds; 5,000 unless given, which is what Encore leaves. */
  readonly grace?: number;
}

export interface Host {
  readonly port: number;
  /** Stops accepting, ends streams, lets requests under way finish within the grace, then closes the service. */
  close(): Promise<void>;
}

/**
 * Serves endpoints on `node:http`.
 *
 * @throws {Error} with Node's code (`EADDRINUSE` and the like) when the port cannot be had, and whatever `open` throws.
 */
export async function startHost({ endpoints, cors, host, port, open, invoke = invokePlainly, grace = 5000 }: HostOptions): Promise<Host> {
  const router = createRouter(endpoints);
  const opened = Promise.withResolvers<Gateway>();
  let gateway: Gateway | undefined;
  const underWay = new Set<ServerResponse>();
  let closing: Promise<void> | undefined;

  const server = createServer({ ...SETTINGS, ServerResponse: GatewayResponse }, (request, response) => {
    underWay.add(response);
    if (closing) response.shouldKeepAlive = false;
    response.on("close", () => {
      underWay.delete(response);
      if (closing && underWay.size === 0) server.closeAllConnections();
    });
    if (gateway) answer(gateway, request, response);
    else void opened.promise.then((opened) => answer(opened, request, response));
  });

  function answer(by: Gateway, request: IncomingMessage, response: GatewayResponse): void {
    const endpoint = by.admit(request, response);
    if (endpoint) invoke(endpoint, request, response);
  }

  const taken = await listen(server, host, port);
  const served = await open(taken).catch(async (error: unknown) => {
    await shut(server, 0);
    throw error;
  });
  gateway = createGateway(router, createCors(cors, served.config.allowedOrigins));
  opened.resolve(gateway);

  async function close(): Promise<void> {
    for (const response of underWay) if (!response.headersSent) response.shouldKeepAlive = false;
    const shutting = shut(server, underWay.size === 0 ? 0 : grace);
    served.stop();
    await shutting;
    await served.close();
  }

  return {
    port: taken,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

const SETTINGS = {
  // Headers fit into a packet or two; whoever dribbles them only wants to hold a connection.
  headersTimeout: 15_000,
  // From the first byte to the last of the body, whose limit is a few MiB: replies and streams are not bound by it.
  requestTimeout: 60_000,
  // More than the 60 s after which load balancers drop an idle connection, so that they never write into a closing one.
  keepAliveTimeout: 65_000,
  // How often the above are looked at; Node's 30 s would let a 15 s limit mean 45.
  connectionsCheckingInterval: 5_000,
  // An authorization request's query (state, resource, a signed request) needs some kilobytes, never more than this.
  maxHeaderSize: 16_384,
  // A request that announces no body is at its end at once: `readableEnded` says so, and no event does.
  optimizeEmptyRequests: true,
} as const;

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

interface Closable {
  close(done: () => void): unknown;
  closeAllConnections(): void;
}

/** Resolves when the last connection is gone, at the latest after `grace` milliseconds. */
async function shut(server: Closable, grace: number): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  if (grace === 0) server.closeAllConnections();
  const timer = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}
