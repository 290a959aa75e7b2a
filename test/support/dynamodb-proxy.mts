import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What happens to one request on its way to DynamoDB, or to its answer on the way back. */
export type Fault =
  /** The connection breaks and DynamoDB never sees the request. */
  | "cut before"
  /** DynamoDB executes the request and the connection breaks. */
  | "cut after"
  /** DynamoDB refuses for lack of capacity. */
  | "throttled"
  /** A fault of the server that did not execute the request, and of one that did. */
  | "500 before"
  | "500 after"
  /** No answer comes; DynamoDB executed the request. */
  | "silent"
  /** The head of the answer comes and a part of its body. */
  | "stalled"
  /** Nothing happens until the client gives up; then DynamoDB executes the request. */
  | "late"
  /** As late, but only when {@link FaultyLine.release} says so. */
  | "held"
  /** The service's clock is said to be wrong. */
  | "skewed"
  | "denied";

export interface FaultyLine {
  readonly endpoint: string;
  /** The operations that arrived, as "PutItem", since they were last cleared. */
  readonly calls: string[];
  /** Asked for each request. */
  choose: (operation: string) => Fault | undefined | Promise<Fault | undefined>;
  /** The faults of the next requests, one each. */
  next(...faults: (Fault | undefined)[]): void;
  /** Lets DynamoDB execute what is held, and returns when it did. */
  release(): Promise<void>;
  close(): Promise<void>;
}

interface Message {
  readonly head: IncomingMessage;
  readonly body: Buffer;
}

/** A real HTTP server between the driver and a DynamoDB endpoint, on a free port unless one is given. */
export async function startProxy(endpoint: string, port = 0): Promise<FaultyLine> {
  const agent = new Agent({ keepAlive: true });
  const calls: string[] = [];
  const held: (() => Promise<unknown>)[] = [];
  const faults: (Fault | undefined)[] = [];
  const underway = new Set<Promise<void>>();

  const server = createServer((incoming, response) => {
    const work = relay(incoming, response).catch(() => void response.destroy());
    underway.add(work);
    void work.finally(() => underway.delete(work));
  });

  async function relay(head: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = { head, body: await bodyOf(head) };
    const operation = String(head.headers["x-amz-target"]).split(".")[1] ?? "";
    calls.push(operation);
    const fault = await proxy.choose(operation);
    const forward = () => send(message);
    const refuse = (status: number, name: string, date = new Date()) => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0", date: date.toUTCString() });
      response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: `the proxy says ${name}` }));
    };
    switch (fault) {
      case "cut before":
        return void response.destroy();
      case "cut after":
        await forward();
        return void response.destroy();
      case "throttled":
        return refuse(400, "ProvisionedThroughputExceededException");
      case "500 before":
        return refuse(500, "InternalServerError");
      case "500 after":
        await forward();
        return refuse(500, "InternalServerError");
      case "silent":
        return void (await forward());
      case "stalled": {
        const answer = await forward();
        response.writeHead(answer.head.statusCode ?? 0, answer.head.headers);
        return void response.write(answer.body.subarray(0, answer.body.length / 2));
      }
      case "late":
        await once(response, "close");
        return void (await forward());
      case "held":
        return void held.push(forward);
      case "skewed":
        return refuse(400, "InvalidSignatureException", new Date(Date.now() + 3_600_000));
      case "denied":
        return refuse(400, "AccessDeniedException");
    }
    const answer = await forward();
    response.writeHead(answer.head.statusCode ?? 0, answer.head.headers).end(answer.body);
  }

  async function send({ head, body }: Message): Promise<Message> {
    const outgoing = request(endpoint, { method: head.method ?? "", path: head.url ?? "", headers: head.headers, agent });
    outgoing.end(body);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    return { head: answer, body: await bodyOf(answer) };
  }

  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const proxy: FaultyLine = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    choose: () => faults.shift(),
    next: (...more) => void faults.push(...more),
    async release() {
      await Promise.all(held.splice(0).map((forward) => forward()));
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await Promise.all(underway);
      agent.destroy();
    },
  };
  return proxy;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
