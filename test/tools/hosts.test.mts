import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request as open } from "node:http";
import { after, before, describe, test } from "node:test";
import type { EndpointOptions, RawHandler } from "../../tools/encore/api.mts";
import { readApp } from "../../tools/encore/app.mts";
import type { Endpoint } from "../../tools/encore/endpoints.mts";
import { invokeThroughEncore } from "../../tools/encore/native-invoke.mts";
import { type Host, startHost } from "../../tools/host.mts";
import { invokePlainly } from "../../tools/plain-invoke.mts";
import { postBodiless } from "../support/bodiless.mts";
import { PROJECT } from "../support/host.mts";

function endpoint(name: string, options: Omit<EndpointOptions, "expose">, handler: RawHandler): Endpoint {
  return { service: "books", name, options: { expose: true, ...options }, handler };
}

/** Resolved by the handler of /held and what it saw. */
let held = Promise.withResolvers<{ readonly sentEarly: boolean; readonly heardOfClose: boolean }>();
let arrived = Promise.withResolvers<void>();
let goOn = Promise.withResolvers<void>();
let sawHead = false;

const ENDPOINTS = [
  endpoint("seen", { method: ["GET", "HEAD"], path: "/seen/:id" }, (request, response) => {
    const { method, url, headers } = request;
    const body = JSON.stringify({ method, url, headers, peer: request.socket.remoteAddress ?? null });
    response.writeHead(203, { "content-type": "application/json", vary: "accept", "set-cookie": ["a=1", "b=2"] });
    response.end(method === "HEAD" ? undefined : body);
  }),
  endpoint("echo", { method: "POST", path: "/echo", bodyLimit: 1000 }, async (request, response) => {
    const pieces: Buffer[] = [];
    try {
      for await (const piece of request) pieces.push(piece as Buffer);
      response.writeHead(200, { "content-type": "text/plain" });
      response.end(Buffer.concat(pieces));
    } catch (error) {
      // Under Encore a body over the limit fails the reader and leaves the answer to the endpoint.
      if (!response.writableEnded) response.writeHead(413, { "content-type": "text/plain" }).end((error as Error).message);
    }
  }),
  endpoint("large", { method: "POST", path: "/large", bodyLimit: null }, async (request, response) => {
    let size = 0;
    for await (const piece of request) size += (piece as Buffer).length;
    response.end(String(size));
  }),
  endpoint("usual", { method: "POST", path: "/usual" }, async (request, response) => {
    let size = 0;
    for await (const piece of request) size += (piece as Buffer).length;
    response.end(String(size));
  }),
  endpoint("unread", { method: "POST", path: "/unread", bodyLimit: 10 }, (_request, response) => void response.end("early")),
  endpoint("stream", { method: "GET", path: "/stream" }, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": begin\n\n");
    setImmediate(() => response.end("data: end\n\n"));
  }),
  endpoint("broken", { method: "GET", path: "/broken" }, async () => {
    throw new Error("broken on purpose");
  }),
  endpoint("brokenAtOnce", { method: "GET", path: "/broken-at-once" }, () => {
    throw new Error("broken on purpose");
  }),
  endpoint("shouting", { method: "GET", path: "/shouting" }, (_request, response) => void response.writeHead(200, { "X-Loud": "1" }).end()),
  endpoint("dressed", { method: "GET", path: "/dressed" }, (_request, response) => {
    response.writeHead(200, { "access-control-allow-origin": "*" }).end();
  }),
  endpoint("held", { method: "GET", path: "/held" }, async (_request, response) => {
    let heardOfClose = false;
    response.on("close", () => {
      heardOfClose ||= !response.writableEnded;
    });
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    arrived.resolve();
    await goOn.promise;
    const sentEarly = sawHead;
    for (let piece = 0; piece < 3; piece++) await new Promise<void>((done) => response.write(": piece\n\n", () => done()));
    held.resolve({ sentEarly, heardOfClose });
    response.end();
  }),
];

const INVOKERS = { "plain Node": async () => invokePlainly, "Encore's request classes": () => invokeThroughEncore(ENDPOINTS) } as const;

for (const [name, invokeFor] of Object.entries(INVOKERS)) {
  describe(`on ${name}`, () => {
    const native = name !== "plain Node";
    let host: Host;
    let base: string;

    before(async () => {
      host = await startHost({
        endpoints: ENDPOINTS,
        cors: readApp(PROJECT).global_cors,
        host: "127.0.0.1",
        port: 0,
        open: async () => ({ config: { allowedOrigins: [] }, stop() {}, async close() {} }),
        invoke: await invokeFor(),
      });
      base = `http://127.0.0.1:${host.port}`;
      held = Promise.withResolvers();
      arrived = Promise.withResolvers();
      goOn = Promise.withResolvers();
      sawHead = false;
    });
    after(() => host.close());

    test("an endpoint gets the method, the target as sent and its headers, and its reply arrives as written", async () => {
      const reply = await fetch(`${base}/seen/a%2Fb?x=1&x=%20`, { headers: { "x-one": "1" } });
      assert.equal(reply.status, 203);
      assert.equal(reply.headers.get("content-type"), "application/json");
      assert.deepEqual(reply.headers.getSetCookie(), ["a=1", "b=2"]);
      const seen = (await reply.json()) as { method: string; url: string; headers: Record<string, string>; peer: string | null };
      assert.equal(seen.method, "GET");
      assert.equal(seen.url, "/seen/a%2Fb?x=1&x=%20");
      assert.equal(seen.headers["x-one"], "1");
      const hops = native ? [null, "127.0.0.1", `127.0.0.1:${host.port}`] : ["127.0.0.1", undefined, undefined];
      assert.deepEqual([seen.peer, seen.headers["x-forwarded-for"], seen.headers["x-forwarded-host"]], hops);
    });

    test("HEAD is answered without a body where it is declared", async () => {
      const reply = await fetch(`${base}/seen/1`, { method: "HEAD" });
      assert.equal(reply.status, 203);
      assert.equal(await reply.text(), "");
    });

    test("the endpoint's vary and the gateway's both arrive", async () => {
      const reply = await fetch(`${base}/seen/1`, { headers: { origin: "https://claude.ai", authorization: "Bearer x" } });
      assert.equal(reply.headers.get("vary"), "accept, origin, access-control-request-method, access-control-request-headers");
      assert.equal(reply.headers.get("access-control-allow-origin"), "https://claude.ai");
      assert.match(reply.headers.get("access-control-expose-headers") ?? "", /www-authenticate/);
    });

    const NOWHERE = [
      ["GET", "/nowhere", "endpoint not found"],
      ["DELETE", "/seen/1", "no route for method"],
      ["HEAD", "/stream", "no route for method"],
    ] as const;
    for (const [method, path, message] of NOWHERE) {
      test(`${method} ${path} is a 404 in Encore's form, readable by any page`, async () => {
        const reply = await fetch(base + path, { method, headers: { origin: "https://evil.example" } });
        assert.equal(reply.status, 404);
        assert.equal(reply.headers.get("content-type"), "application/json");
        assert.equal(reply.headers.get("access-control-allow-origin"), "https://evil.example");
        if (method !== "HEAD") assert.deepEqual(await reply.json(), { code: "not_found", message, details: null });
      });
    }

    test("a method that Encore does not know is a 400", async () => {
      const reply = await fetch(`${base}/seen/1`, { method: "PROPFIND" });
      assert.equal(reply.status, 400);
      assert.equal(((await reply.json()) as { code: string }).code, "invalid_argument");
    });

    test("OPTIONS is answered by the gateway whatever the path", async () => {
      const headers = {
        origin: "http://localhost:6274",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      };
      for (const path of ["/echo", "/nowhere"]) {
        const reply = await fetch(base + path, { method: "OPTIONS", headers });
        assert.equal(reply.status, 200);
        assert.equal(reply.headers.get("access-control-allow-origin"), "http://localhost:6274");
        assert.equal(reply.headers.get("access-control-allow-methods"), "POST");
        assert.equal(await reply.text(), "");
      }
    });

    test("/__encore/healthz says that it is up", async () => {
      const reply = await fetch(`${base}/__encore/healthz`);
      assert.equal(reply.status, 200);
      assert.equal(((await reply.json()) as { code: string }).code, "ok");
    });

    test("a body up to the endpoint's limit arrives whole, one byte more is a 413, with or without a length", async () => {
      const whole = "x".repeat(1000);
      assert.equal(await (await post("/echo", whole)).text(), whole);
      assert.equal(await (await post("/echo", chunks(whole))).text(), whole);
      assert.equal((await post("/echo", `${whole}x`)).status, 413);
      assert.equal((await post("/echo", chunks(`${whole}x`))).status, 413);
      assert.equal((await post("/echo", "x".repeat(3_000_000))).status, 413);
      assert.equal(await (await post("/echo", whole)).text(), whole);
    });

    test("a request that announces no body has an empty one", async () => {
      assert.deepEqual(await postBodiless(`${base}/echo`), { status: 200, body: "" });
      assert.deepEqual(await postBodiless(`${base}/large`), { status: 200, body: "0" });
      assert.deepEqual(await postBodiless(`${base}/unread`), { status: 200, body: "early" });
    });

    test("without a limit of its own an endpoint has Encore's 2 MiB, with null it has none", async () => {
      const size = 2 * 1024 * 1024;
      assert.equal(await (await post("/usual", Buffer.alloc(size))).text(), String(size));
      const over = await post("/usual", Buffer.alloc(size + 1));
      assert.equal(over.status, native ? 500 : 413);
      assert.equal(await (await post("/large", Buffer.alloc(size + 1))).text(), String(size + 1));
    });

    test("an endpoint that answers without reading is not bothered by the body's size", async () => {
      assert.equal(await (await post("/unread", "x".repeat(100_000))).text(), "early");
    });

    test("a stream arrives in order and ends", async () => {
      const reply = await fetch(`${base}/stream`);
      assert.equal(await reply.text(), ": begin\n\ndata: end\n\n");
    });

    for (const path of ["/broken", "/broken-at-once"]) {
      test(`an endpoint that throws is a 500 in Encore's form: ${path}`, async () => {
        const reply = await fetch(base + path);
        assert.equal(reply.status, 500);
        assert.equal(((await reply.json()) as { code: string }).code, "internal");
      });
    }

    test("repeated request headers arrive as one value in Node, as a list under Encore", async () => {
      const request = open(`${base}/seen/1`, { headers: ["x-two", "1", "x-two", "2", "host", "example.com"] }).end();
      const [reply] = (await once(request, "response")) as [IncomingMessage];
      const { headers } = JSON.parse((await reply.toArray()).join("")) as { headers: Record<string, unknown> };
      assert.deepEqual(headers["x-two"], native ? ["1", "2"] : "1, 2");
      assert.equal(headers["host"], native ? "127.0.0.1" : "example.com");
      assert.equal(headers["x-forwarded-host"], native ? "example.com" : undefined);
    });

    test("what only Encore or a browser would trip over is refused under Encore", async () => {
      const [shouting, dressed] = await Promise.all([fetch(`${base}/shouting`), fetch(`${base}/dressed`)]);
      assert.deepEqual([shouting.status, dressed.status], native ? [500, 500] : [200, 200]);
      if (!native) return;
      assert.match(await shouting.text(), /X-Loud must be written in lower case/);
      assert.match(await dressed.text(), /access-control-allow-origin is the gateway's/);
    });

    test("under Encore nothing is sent before the first piece, and nobody hears that a client went away", async () => {
      const request = open(`${base}/held`).end();
      request.on("error", () => {});
      const responded = once(request, "response").catch(() => undefined);
      request.on("response", () => {
        sawHead = true;
      });
      await arrived.promise;
      if (native) await (await fetch(`${base}/stream`)).text();
      else await responded;
      request.destroy();
      if (!request.closed) await new Promise((done) => request.once("close", done));
      await (await fetch(`${base}/stream`)).text();
      goOn.resolve();
      assert.deepEqual(await held.promise, { sentEarly: !native, heardOfClose: !native });
    });

    function post(path: string, body: string | Buffer | ReadableStream): Promise<Response> {
      return fetch(base + path, { method: "POST", body, duplex: "half" });
    }
  });
}

/** The same text without a length, in pieces. */
function chunks(text: string): ReadableStream {
  return ReadableStream.from(text.match(/.{1,100}/gs)?.map((piece) => Buffer.from(piece)) ?? []);
}
