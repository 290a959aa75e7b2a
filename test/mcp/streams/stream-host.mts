import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type EventStream, eventStreamReply } from "../../../mcp/streams/event-stream.ts";
import type { Surface } from "../../../shared/http/exchange.ts";
import { renderProblem } from "../../../shared/http/problem.ts";
import { serve } from "../../../shared/http/serve.ts";
import { createService, install, type Service } from "../../../shared/service.ts";
import type { Endpoint } from "../../../tools/encore/endpoints.mts";
import { invokeThroughEncore } from "../../../tools/encore/native-invoke.mts";
import { invokePlainly } from "../../../tools/plain-invoke.mts";
import { type LogLine, recordingLog } from "./replicas.mts";

const surface: Surface = {
  name: "streams",
  bodyLimit: 1000,
  origin: "open",
  host: "open",
  renderFault: ({ status, message }, { id }) => renderProblem({ status, detail: message, requestId: id }),
};

/** The hosts on which streams must behave the same. */
export const STREAM_HOSTS = ["plain Node", "Encore's request classes"] as const;

export interface StreamHost {
  readonly service: Service;
  readonly lines: readonly LogLine[];
  /** Opened so far, in order. */
  readonly streams: readonly EventStream[];
  /** Opens a stream of a subject; "" is a stranger. */
  open(subject?: string): Promise<Reader>;
  /** A connection that asks for a stream and never reads. */
  openUnread(subject: string): Promise<void>;
  /** Connections that the server holds. */
  connections(): Promise<number>;
}

/** What a client sees of its stream. */
export interface Reader {
  readonly response: IncomingMessage;
  text(): string;
  readonly ended: Promise<void>;
  leave(): void;
}

/** A server whose every reply is an event stream, until the test ends. */
export async function startStreamHost(
  t: TestContext,
  host: (typeof STREAM_HOSTS)[number],
  env: Readonly<Record<string, string>> = {},
  clock: () => number = Date.now,
): Promise<StreamHost> {
  const lines: LogLine[] = [];
  const all = { NODE_ENV: "test", STATE_URL: "sqlite::memory:", SWEEP_INTERVAL: "0", ...env };
  const service = await createService({ env: all, clock, log: recordingLog(lines) });
  install(service);
  const streams: EventStream[] = [];
  const handler = serve(surface, (exchange, running) =>
    eventStreamReply(running, exchange.path.slice(1) || undefined, (stream) => void streams.push(stream)),
  );
  const options = { expose: true, method: "*", path: "/*subject" } as const;
  const endpoint: Endpoint = { service: "streams", name: "open", options, handler };
  const invoke = host === "plain Node" ? invokePlainly : await invokeThroughEncore([endpoint]);
  const server = createServer((incoming, outgoing) => invoke(endpoint, incoming, outgoing)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  t.after(async () => {
    service.stop();
    server.closeAllConnections();
    server.close();
    await service.close();
  });
  return {
    service,
    lines,
    streams,
    open: (subject = "ann") => read(port, subject),
    async openUnread(subject) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.pause();
      socket.write(`GET /${subject} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      await once(socket, "connect");
      t.after(() => void socket.destroy());
    },
    connections: () => promisify(server.getConnections.bind(server))(),
  };
}

async function read(port: number, subject: string): Promise<Reader> {
  const sent = request({ port, host: "127.0.0.1", path: `/${subject}`, agent: false });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  response.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
  });
  const ended = new Promise<void>((resolve) => {
    response.on("close", resolve).on("error", () => {});
  });
  return { response, text: () => text, ended, leave: () => void response.destroy() };
}
