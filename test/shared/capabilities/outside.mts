import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What reached the server. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

type Answering = (asked: Asked, response: ServerResponse) => void;

/** A server in place of an outside service: a real one, on a free port of this machine. */
export interface Outside {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** How it answers from now on. */
  answer(answering: Answering): void;
  close(): Promise<void>;
}

export async function startOutside(): Promise<Outside> {
  const asked: Asked[] = [];
  let answering: Answering = (_, response) => json(response, {});
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    const one = { method: request.method ?? "", url: new URL(request.url ?? "/", "http://outside"), headers: request.headers, body };
    asked.push(one);
    answering(one, response);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer(next) {
      answering = next;
    },
    close() {
      server.closeAllConnections();
      return new Promise((done) => void server.close(() => done()));
    },
  };
}

export function json(response: ServerResponse, value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers }).end(JSON.stringify(value));
}

/** Every way in which a service can fail, with what callers are told. */
export const FAILURES: readonly { readonly what: string; readonly answering: Answering; readonly words: RegExp }[] = [
  { what: "has a fault", answering: (_, response) => json(response, { error: true }, 500), words: /has a fault/ },
  { what: "is asked too often", answering: (_, response) => json(response, {}, 429, { "retry-after": "17" }), words: /asked too often/ },
  { what: "refuses the key", answering: (_, response) => json(response, { error: "unauthorized" }, 401), words: /refuses this service/ },
  {
    what: "leads elsewhere",
    answering: (_, response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
    words: /refuses this service/,
  },
  {
    what: "answers with a page",
    answering: (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<html></html>"),
    words: /something else than it should/,
  },
  {
    what: "answers with another shape",
    answering: (_, response) => json(response, { results: "none" }),
    words: /something else than it should/,
  },
  {
    what: "answers with bytes that are no text",
    answering: (_, response) => void response.end(Buffer.from([0x22, 0xff, 0x22])),
    words: /something else/,
  },
  {
    what: "says that its answer is too long",
    answering: (_, response) => void response.writeHead(200, { "content-length": "99999999" }).write("{"),
    words: /more than it should/,
  },
  {
    what: "answers without end",
    answering(_, response) {
      const more = () => {
        while (!response.destroyed && response.write(" ".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    },
    words: /more than it should/,
  },
  { what: "hangs up", answering: (_, response) => void response.destroy(), words: /cannot be reached/ },
  {
    what: "hangs up in the middle",
    answering: (_, response) => response.write('{"results":', () => response.destroy()),
    words: /cannot be reached/,
  },
  { what: "says nothing", answering: () => {}, words: /does not answer in time/ },
  { what: "begins and goes no further", answering: (_, response) => void response.write("{"), words: /does not answer in time/ },
];
