import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
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
