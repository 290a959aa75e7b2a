import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { z } from "zod";
import { handleOperation } from "../../actions/operation.ts";
import { CapabilityError, type Context, defineCapability } from "../../shared/capabilities/capability.ts";
import type { Exchange } from "../../shared/http/exchange.ts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT, type TestClient } from "../support/oauth.mts";
import { exchangeOf } from "./exchange.mts";

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
type Body = any;

/** What the slow work of a test does; each test sets it. */
let work: (context: Context) => Promise<string> = async () => "done";

const OTHER_GPT: TestClient = { id: "other-gpt", secret: "x".repeat(40), redirectUri: "http://127.0.0.1:5555/aip/g-other/oauth/callback" };

function metadataOf({ id, secret, redirectUri }: TestClient) {
  return {
    client_id: id,
    client_name: id,
    client_secret: secret,
    redirect_uris: [redirectUri],
    resources: ["actions"],
    require_pkce: false,
  };
}

/** Moves on what `performance.now` says. */
function elapse(milliseconds: number): void {
  const { now } = performance;
  performance.now = () => now.call(performance) + milliseconds;
}

const base = {
  title: "Slow",
  description: "Use this when you test slow work.",
  scopes: [],
  effect: "write",
  input: z.object({ about: z.string().describe("What it is about.") }),
  output: z.object({ text: z.string() }),
} as const;
const run = async (_input: unknown, context: Context) => ({ text: await work(context) });
/** Milliseconds that preparing takes by the clock; each test sets it. */
let preparing = 0;
const CAPABILITIES = [
  defineCapability({ ...base, name: "prepared", longRunning: { task: "optional" }, prepare: () => void elapse(preparing), run }),
  defineCapability({ ...base, name: "report", longRunning: { task: "required", pollInterval: 1_500 }, run }),
  defineCapability({ ...base, name: "soon", longRunning: { task: "optional" }, run }),
  defineCapability({ ...base, name: "open_soon", scopes: "public", longRunning: { task: "optional" }, run }),
  defineCapability({ ...base, name: "open_report", scopes: "public", longRunning: { task: "required" }, run }),
];

for (const { host: name, start } of HOSTS) {
  describe(`Tasks of Actions on ${name}`, () => {
    let host: TestHost;
    let ann: string;
    before(async () => {
      host = await start({
        env: { CAPABILITIES: "core", OAUTH_CLIENTS_JSON: JSON.stringify([DEVELOPMENT_GPT, OTHER_GPT].map(metadataOf)) },
        providers: [{ start: () => ({ capabilities: CAPABILITIES }) }],
      });
      ann = (await connect(host.url, { client: DEVELOPMENT_GPT })).accessToken;
    });
    after(() => host.close());

    async function ask(path: string, token: string | undefined, init: RequestInit = {}) {
      const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}), ...init.headers };
      const response = await fetch(`${host.url}${path}`, { ...init, headers });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
    }

    function begin(operation: string, headers: Readonly<Record<string, string>> = {}, token: string | undefined = ann) {
      return ask(`/actions/${operation}`, token, { method: "POST", headers, body: '{"about":"x"}' });
    }

    /** The task once it is over; polls until then. */
    async function whenOver(location: string): Promise<Body> {
      const deadline = Date.now() + 10_000;
      while (Date.now() < deadline) {
        const { body } = await ask(location, ann);
        if (body.status !== "working") return body;
      }
      assert.fail("the task is not over in time");
    }

    test("slow work answers 202 with where to ask, and its result is found there", async () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      work = () => promise;
      const begun = await begin("report");
      assert.equal(begun.status, 202);
      const location = begun.headers.get("location") ?? "";
      assert.equal(location, `/actions/tasks?id=${begun.body.id}`);
      assert.equal(begun.headers.get("retry-after"), "2");
      assert.equal(begun.headers.get("cache-control"), "no-store");
      const working = await ask(location, ann);
      assert.deepEqual([working.status, working.body.status, working.body.result], [200, "working", undefined]);
      resolve("a report");
      assert.deepEqual((await whenOver(location)).result, { text: "a report" });
    });

    test("work that is done in time is the answer itself, and so is its failure", async () => {
      work = async () => "at once";
      const { status, body } = await begin("soon");
      assert.deepEqual([status, body], [200, { text: "at once" }]);
      work = async () => {
        throw new CapabilityError("not_found", "There is nothing about it.");
      };
      const failed = await begin("soon");
      assert.deepEqual([failed.status, failed.body.detail], [404, "There is nothing about it."]);
    });

    test("a task that failed says how, and nothing of what is ours", async () => {
      for (const [error, status, detail] of [
        [new CapabilityError("conflict", "It changed."), 409, "It changed."],
        [new Error("a-secret"), 500, "Something went wrong on our side."],
      ] as const) {
        work = () => Promise.reject(error);
        const task = await whenOver((await begin("report")).headers.get("location") ?? "");
        assert.equal(task.status, "failed");
        assert.deepEqual(task.error, { status, detail });
      }
    });

    test("an answer too long for a task is a failure of it", async () => {
      work = async () => "x".repeat(100_000);
      const task = await whenOver((await begin("report")).headers.get("location") ?? "");
      assert.match(task.error.detail, /longer than the 100000 characters/);
    });

    test("how far it is is shown", async () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      work = ({ progress }) => {
        progress(1, 3, "Reading");
        return promise;
      };
      const location = (await begin("report")).headers.get("location") ?? "";
      let message: string | undefined;
      for (const deadline = Date.now() + 10_000; message === undefined && Date.now() < deadline; ) {
        message = (await ask(location, ann)).body.message;
      }
      assert.equal(message, "Reading");
      resolve("done");
      await whenOver(location);
    });

    test("a task with an idempotency key is begun once", async () => {
      work = async () => "once";
      const headers = { "idempotency-key": "report-1" };
      const first = await begin("report", headers);
      const again = await begin("report", headers);
      assert.deepEqual([again.status, again.body.id], [202, first.body.id]);
      await whenOver(first.headers.get("location") ?? "");
    });

    test("a task is its person's and its client's alone", async () => {
      work = async () => "private";
      const location = (await begin("report")).headers.get("location") ?? "";
      const ben = await connect(host.url, { client: DEVELOPMENT_GPT, email: "ben@example.com" });
      const other = await connect(host.url, { client: OTHER_GPT });
      for (const token of [ben.accessToken, other.accessToken]) assert.equal((await ask(location, token)).status, 404);
      assert.equal((await ask(location, undefined)).status, 401);
      assert.equal((await ask(location, ann)).status, 200);
    });

    test("what is no task is not found, and what is no question for one is refused by its field", async () => {
      assert.equal((await ask("/actions/tasks?id=nothing", ann)).status, 404);
      const faults = async (query: string) => (await ask(`/actions/tasks${query}`, ann)).body.faults;
      assert.deepEqual(await faults(""), [{ field: "id", message: "is required" }]);
      assert.deepEqual(await faults("?id=a&id=b"), [{ field: "id", message: "is there more than once" }]);
      assert.deepEqual(await faults("?id=a&colour=red"), [{ field: "colour", message: "is not known here" }]);
      const posted = await ask("/actions/tasks?id=a", ann, { method: "POST", body: "{}" });
      assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
    });

    test("a stranger's slow work has no owner: it is waited for, or refused", async () => {
      work = async () => "open";
      const { status, body } = await ask("/actions/open_soon", undefined, { method: "POST", body: '{"about":"x"}' });
      assert.deepEqual([status, body], [200, { text: "open" }]);
      assert.equal((await ask("/actions/open_report", undefined, { method: "POST", body: '{"about":"x"}' })).status, 401);
    });

    test("the document tells of the status operation only where something is slow", async () => {
      const document = (await ask("/openapi.json", undefined)).body;
      assert.equal(document.paths["/actions/tasks"].get.operationId, "get_task");
      assert.deepEqual(document.paths["/actions/report"].post.responses["202"].content["application/json"].schema, {
        $ref: "#/components/schemas/Task",
      });
      assert.equal(document.paths["/actions/health_check"].get.responses["202"], undefined);
    });

    /** A POST for handlers that are called without the host. */
    function posted(path: string): Exchange {
      return {
        ...exchangeOf(path),
        method: "POST",
        header: (header: string) => ({ authorization: `Bearer ${ann}`, "content-type": "application/json" })[header],
        body: async () => Buffer.from('{"about":"x"}'),
      };
    }

    test("what preparing took is not waited for once more: ChatGPT gives up after 45 seconds", async ({ mock }) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      work = () => {
        setImmediate(() => mock.timers.tick(10_000));
        return promise;
      };
      preparing = 30_000;
      const { now } = performance;
      mock.timers.enable({ apis: ["setTimeout"] });
      const reply = await handleOperation(posted("/actions/prepared"), host.service);
      performance.now = now;
      mock.timers.reset();
      assert.equal(reply.status, 202);
      resolve("late");
      assert.deepEqual((await whenOver(String(reply.headers?.["location"]))).result, { text: "late" });
    });

    test("work that may be done in time becomes a task when it is not", async ({ mock }) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      work = () => {
        setImmediate(() => mock.timers.tick(20_000));
        return promise;
      };
      const exchange = posted("/actions/soon");
      mock.timers.enable({ apis: ["setTimeout"] });
      const reply = await handleOperation(exchange, host.service);
      mock.timers.reset();
      assert.equal(reply.status, 202);
      resolve("late");
      const { result } = await whenOver(String(reply.headers?.["location"]));
      assert.deepEqual(result, { text: "late" });
    });
  });
}
