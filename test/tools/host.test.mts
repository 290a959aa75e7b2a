import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as open, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import type { RawHandler } from "../../tools/encore/api.mts";
import { parseApp } from "../../tools/encore/app.mts";
import { type HostOptions, startHost } from "../../tools/host.mts";

const { global_cors: cors } = parseApp('{ "id": "", "lang": "typescript" }');

/** A host with one endpoint at `/`, and what was done to its service. */
async function hostOf(handler: RawHandler, options: Partial<HostOptions> = {}) {
  const done: string[] = [];
  const stopping = new AbortController();
  const host = await startHost({
    endpoints: [{ service: "books", name: "book", options: { expose: true, method: "*", path: "/" }, handler }],
    cors,
    host: "127.0.0.1",
    port: 0,
    open: async (port) => {
      done.push(`opened on ${port}`);
      return {
        config: { allowedOrigins: [] },
        stop() {
          done.push("stopped");
          stopping.abort();
        },
        async close() {
          done.push("closed");
        },
      };
    },
    ...options,
  });
  return { host, done, stopping: stopping.signal, url: `http://127.0.0.1:${host.port}/` };
}

test("the service is opened with the port that was taken, and closed once, after it was stopped", async () => {
  const { host, done } = await hostOf(() => {});
  await Promise.all([host.close(), host.close()]);
  assert.deepEqual(done, [`opened on ${host.port}`, "stopped", "closed"]);
});

test("after it is closed another can take its port", async () => {
  const first = await hostOf((_request, response) => void response.end("first"));
  await (await fetch(first.url)).text();
  await first.host.close();
  const second = await hostOf((_request, response) => void response.end("second"), { port: first.host.port });
  assert.equal(await (await fetch(second.url)).text(), "second");
  await second.host.close();
});

test("a port in use is told by its code", async () => {
  const { host } = await hostOf(() => {});
  await assert.rejects(
    hostOf(() => {}, { port: host.port }),
    { code: "EADDRINUSE" },
  );
  await host.close();
});

test("a service that cannot be opened frees the port again", async () => {
  let taken = 0;
  const refused = hostOf(() => {}, {
    open: async (port) => {
      taken = port;
      throw new Error("no state");
    },
  });
  await assert.rejects(refused, /no state/);
  const { host } = await hostOf(() => {}, { port: taken });
  await host.close();
});

test("requests that arrive before the service is open wait for it", async () => {
  const replies: Promise<unknown[]>[] = [];
  const { host } = await hostOf((_request, response) => void response.end("served"), {
    open: async (port) => {
      const request = open(`http://127.0.0.1:${port}/`).end();
      replies.push(once(request, "response"));
      await once(request, "finish");
      await answersNonsense(port);
      return { config: { allowedOrigins: [] }, stop() {}, async close() {} };
    },
  });
  const [reply] = (await replies[0]) as [IncomingMessage];
  assert.equal((await reply.toArray()).join(""), "served");
  await host.close();
});

test("closing lets a request under way finish before the service is closed", async () => {
  const arrived = Promise.withResolvers<ServerResponse>();
  const { host, done, url } = await hostOf((_request, response) => arrived.resolve(response));
  const answer = fetch(url);
  const response = await arrived.promise;
  const closed = host.close();
  assert.deepEqual(done.slice(1), ["stopped"]);
  response.end("finished");
  assert.equal(await (await answer).text(), "finished");
  await closed;
  assert.deepEqual(done.slice(1), ["stopped", "closed"]);
});

test("closing ends streams that end when the service stops, and does not wait for idle connections", async () => {
  const { host, url, stopping } = await hostOf((request: IncomingMessage, response) => {
    if (request.method === "HEAD") return void response.end();
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": open\n\n");
    stopping.addEventListener("abort", () => response.end("data: bye\n\n"));
  });
  await fetch(url, { method: "HEAD" });
  const stream = await fetch(url);
  await host.close();
  assert.equal(await stream.text(), ": open\n\ndata: bye\n\n");
});

test("closing cuts off what is still under way after the grace", async () => {
  const { host, done, url } = await hostOf((_request, response) => void response.writeHead(200).write("never ends"), { grace: 1 });
  const stream = await fetch(url);
  await host.close();
  await assert.rejects(stream.text());
  assert.equal(done.at(-1), "closed");
});

test("nobody is accepted once it closes, and a reply under way says that the connection ends", async () => {
  const arrived = Promise.withResolvers<ServerResponse>();
  const { host, url } = await hostOf((_request, response) => arrived.resolve(response));
  const request = open(url).end();
  const response = await arrived.promise;
  const closed = host.close();
  await assert.rejects(fetch(url));
  response.end();
  const [reply] = (await once(request, "response")) as [IncomingMessage];
  assert.equal(reply.headers.connection, "close");
  reply.resume();
  await closed;
});

/** Node itself refuses what is not HTTP: once it has, everything sent before has arrived. */
async function answersNonsense(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  socket.write("nonsense\r\n\r\n");
  assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 400/);
  socket.destroy();
}
