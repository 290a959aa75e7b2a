import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, type TestContext, test } from "node:test";
import type { Handler, Sink, Surface } from "../../../shared/http/exchange.ts";
import { renderProblem } from "../../../shared/http/problem.ts";
import { serve } from "../../../shared/http/serve.ts";
import { createService, install, type Service } from "../../../shared/service.ts";
import { HOSTS, type TestHost } from "../../support/host.mts";
import { connect, DEVELOPMENT_GPT } from "../../support/oauth.mts";

interface Raw {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** `fetch` does not let a Host be named. */
function send(url: string, headers: Readonly<Record<string, string>>, method = "GET", body = ""): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => {
        text += piece;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for (const { host: name, start } of HOSTS) {
  describe(`on ${name}`, () => {
    let host: TestHost;
    before(async () => {
      host = await start({});
    });
    after(() => host.close());

    test("a name that was rebound to this machine is refused before anything else, except by the health check", async () => {
      for (const path of [
        "/mcp",
        "/oauth/token",
        "/oauth/authorize",
        "/.well-known/oauth-authorization-server",
        "/",
        "/actions/health_check",
      ]) {
        const method = path === "/mcp" || path === "/oauth/token" ? "POST" : "GET";
        for (const named of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example"]) {
          const reply = await send(host.url + path, { host: named, "content-type": "application/json" }, method);
          assert.equal(reply.status, 403, `${path} as ${named}: ${reply.body}`);
        }
      }
      assert.equal((await send(`${host.url}/health`, { host: "10.0.0.7" })).status, 200);
    });

    test("pages of strangers may not call MCP, those of loopback and of the allowed origins may", async () => {
      const call = (origin: string) => send(`${host.url}/mcp`, { origin, "content-type": "application/json" }, "POST", "{}");
      for (const origin of ["https://evil.example", "null", "http://localhost.evil.example", "https://chatgpt.com.evil.example"]) {
        assert.equal((await call(origin)).status, 403, origin);
      }
      for (const origin of ["https://chatgpt.com", "https://claude.ai", "http://localhost:6274", host.url]) {
        assert.equal((await call(origin)).status, 401, origin);
      }
    });

    test("every reply carries a request id, and two of them differ", async () => {
      const [first, second] = await Promise.all([send(`${host.url}/health`, {}), send(`${host.url}/mcp`, {}, "POST")]);
      assert.match(String(first.headers["x-request-id"]), /^[\w-]{12}$/);
      assert.notEqual(first.headers["x-request-id"], second.headers["x-request-id"]);
    });

    test("bodies above the limit are refused in the surface's own form", async () => {
      const token = await send(
        `${host.url}/oauth/token`,
        { "content-type": "application/x-www-form-urlencoded" },
        "POST",
        "a".repeat(70_000),
      );
      assert.equal(token.status, 413);
      assert.equal(JSON.parse(token.body).error, "invalid_request");
      const { accessToken } = await connect(host.url, { client: DEVELOPMENT_GPT });
      const headers = { "content-type": "application/json", authorization: `Bearer ${accessToken}` };
      const action = await send(`${host.url}/actions/create_todo`, headers, "POST", "a".repeat(500_000));
      assert.equal(action.status, 413);
      assert.match(String(action.headers["content-type"]), /^application\/problem\+json/);
    });

    test("HEAD has the headers of GET and no body", async () => {
      const path = "/.well-known/oauth-authorization-server";
      const [get, head] = await Promise.all([send(host.url + path, {}), send(host.url + path, {}, "HEAD")]);
      assert.equal(head.status, 200);
      assert.equal(head.body, "");
      assert.equal(head.headers["content-type"], get.headers["content-type"]);
    });
  });
}

const openSurface: Surface = {
  name: "test",
  bodyLimit: ({ mcp }) => mcp.bodyLimit,
  origin: "open",
  host: "open",
  renderFault: ({ status, message }, { id }) => renderProblem({ status, detail: message, requestId: id }),
};

/** A server whose every request goes to the handler, until the test ends. */
async function startServer(t: TestContext, handler: Handler): Promise<{ readonly url: string; readonly service: Service }> {
  const service = await createService({
    env: { NODE_ENV: "test", STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", MCP_BODY_LIMIT: "1024" },
  });
  install(service);
  const server = createServer(serve(openSurface, handler)).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    service.stop();
    server.closeAllConnections();
    server.close();
    await service.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, service };
}

test("a surface's body limit may follow from the configuration", async (t) => {
  const { url } = await startServer(t, async (exchange) => ({ status: 200, body: String((await exchange.body()).length) }));
  assert.equal((await send(url, {}, "POST", "a".repeat(1024))).body, "1024");
  const refused = await send(url, {}, "POST", "a".repeat(1025));
  assert.equal(refused.status, 413);
  assert.match(refused.body, /larger than 1024 bytes/);
});

test("a stream outlives the beginning of the end by two seconds, unless whoever writes it ends it", async (t) => {
  const sinks: Sink[] = [];
  const { url, service } = await startServer(t, () => ({
    status: 200,
    stream(sink) {
      sink.write("hello ");
      sinks.push(sink);
    },
  }));
  const replies = await Promise.all([fetch(url), fetch(url)]);
  const since = performance.now();
  service.stop();
  const [polite, silent] = sinks;
  assert.deepEqual(
    sinks.map(({ signal }) => signal.aborted),
    [false, false],
  );
  polite?.write("goodbye");
  polite?.end();
  const texts = await Promise.all(replies.map((reply) => reply.text()));
  assert.deepEqual(texts.toSorted(), ["hello ", "hello goodbye"]);
  const took = performance.now() - since;
  assert.ok(took > 1900 && took < 4500, `${took}`);
  assert.equal(silent?.signal.aborted, true);
  assert.equal(silent?.write("late"), false);
});

test("what is dropped ends at once, whatever is still to be read", async (t) => {
  const sinks: Sink[] = [];
  const { url } = await startServer(t, () => ({ status: 200, stream: (sink) => void sinks.push(sink) }));
  const sent = request(url);
  sent.on("error", () => {});
  sent.end();
  while (!sinks[0]) await new Promise(setImmediate);
  const [sink] = sinks;
  sink.write("x".repeat(20_000_000));
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  assert.ok(sink.pending() > 0);
  sink.drop();
  assert.equal(sink.signal.aborted, true);
  let size = 0;
  response.on("data", (piece: Buffer) => {
    size += piece.length;
  });
  const error = await new Promise<Error>((resolve) => response.on("error", resolve));
  assert.equal((error as NodeJS.ErrnoException).code, "ECONNRESET");
  assert.ok(size < 20_000_000);
});

test("a stream for a client that left while its request was handled is over from the beginning", async (t) => {
  const handled = Promise.withResolvers<void>();
  const streamed = Promise.withResolvers<Sink>();
  const { url } = await startServer(t, async ({ signal }) => {
    handled.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return { status: 200, stream: streamed.resolve };
  });
  const sent = request(url);
  sent.on("error", () => {});
  sent.end();
  await handled.promise;
  sent.destroy();
  const sink = await streamed.promise;
  assert.equal(sink.signal.aborted, true);
  assert.equal(sink.write("into the void"), false);
  sink.end();
});
