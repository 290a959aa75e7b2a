import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { HOST, type Request } from "./load.mts";
import type { ServerProcess } from "./server-process.mts";

export interface Answer {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Sends one request, as the load does, and reads the whole reply. @throws {Error} for another status than `status`. */
export async function ask(server: Pick<ServerProcess, "url">, sent: Request, status = 200): Promise<Answer> {
  const response = await begin(server, sent);
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const body = Buffer.concat(pieces).toString("utf8");
  if (response.statusCode !== status) throw new Error(`${sent.path}: a reply of ${response.statusCode}: ${body.slice(0, 500)}`);
  return { headers: response.headers, body };
}

/** Sends one request over a connection of its own and returns what the reply begins with: a stream stays open. */
export async function begin({ url }: Pick<ServerProcess, "url">, { method, path, headers, body }: Request): Promise<IncomingMessage> {
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  const sending = request(new URL(path, url), { method, agent: false, headers: { host: HOST, ...headers, ...length } });
  sending.end(body);
  const [response] = (await once(sending, "response")) as [IncomingMessage];
  return response;
}
