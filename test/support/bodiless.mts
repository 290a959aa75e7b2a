import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

/** A POST that announces no body at all: most clients would say that it has no bytes. */
export async function postBodiless(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  const outgoing = request(url, { method: "POST", headers });
  for (const name of ["content-length", "transfer-encoding"]) outgoing.removeHeader(name);
  outgoing.end();
  const [reply] = (await once(outgoing, "response")) as [IncomingMessage];
  return { status: reply.statusCode, body: await text(reply) };
}
