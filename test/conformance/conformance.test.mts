import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createPerson } from "../../tools/person.mts";
import { HOSTS, type TestHost } from "../support/host.mts";
import { connect } from "../support/oauth.mts";
import { createFixtures } from "./fixtures.mts";
import { type LoopbackProxy, startProxy } from "./proxy.mts";
import { allScenarios, type Check, requiredScenarios, runSuite, type SuiteRun } from "./suite.mts";

/** Checks that the suite skips whatever a server does, with its reason. */
const SKIPPED_BY_DESIGN: Readonly<Record<string, string>> = {
  "tasks-status-notifications": "the suite has no check for notifications/tasks on a listening stream yet",
};

/** Scenarios of extensions that this service does not have. */
const NOT_OURS = /^sep-2640-skills-/;

/** What each revision is counted by: 2025-11-25 and 2026-07-28 as the suite publishes it. */
const SCORED = [
  { revision: "2025-11-25", scored: 30, unscored: ["json-schema-2020-12", "server-session-lifecycle", "server-sse-polling"] },
  {
    revision: "2026-07-28",
    scored: 37,
    unscored: [
      "http-custom-header-server-validation",
      "http-header-validation",
      "json-schema-2020-12",
      "tasks-capability-negotiation",
      "tasks-dispatch-and-envelope",
      "tasks-lifecycle",
      "tasks-mrtr-composition",
      "tasks-mrtr-input",
      "tasks-request-headers",
      "tasks-request-state-removal",
      "tasks-required-task-error",
      "tasks-status-notifications",
      "tasks-wire-fields",
    ],
  },
] as const;

/** Scenarios of these revisions are a part of the suite, and nothing is counted by them. */
const OLDER = ["2025-03-26", "2025-06-18"] as const;

/** What it redirects to may have any port, as it is loopback (RFC 8252 §7.3). */
const REGISTERED_CLIENT = {
  client_id: "conformance",
  client_name: "The conformance suite",
  token_endpoint_auth_method: "none",
  redirect_uris: ["http://127.0.0.1/callback"],
  grant_types: ["authorization_code", "refresh_token"],
  resources: ["mcp"],
};

for (const { host: name, start } of HOSTS) {
  describe(`the official conformance suite against the service on ${name}`, { concurrency: 2 }, () => {
    let host: TestHost;
    let proxy: LoopbackProxy;
    before(async () => {
      host = await start({ providers: [createFixtures()], env: { OAUTH_CLIENTS_JSON: JSON.stringify([REGISTERED_CLIENT]) } });
      const { accessToken } = await connect(host.url);
      proxy = await startProxy(host.url, { accessToken });
    });
    after(async () => {
      await proxy?.close();
      await host?.close();
    });

    for (const { revision, scored, unscored } of SCORED) {
      test(`finds nothing to fault at ${revision}: ${scored} scored scenarios and ${unscored.length} more`, async (t) => {
        const required = await requiredScenarios(revision);
        assert.equal(required.length, scored);
        const run = await runSuite(["server", "--url", `${proxy.url}/mcp`, "--requirements", revision]);
        assert.deepEqual([...run.scenarios.keys()].sort(), [...required, ...unscored].sort(), summaryOf(run.output));
        await assertFaultless(t, run);
      });
    }

    for (const revision of OLDER) {
      test(`finds nothing to fault in any scenario at ${revision}`, async (t) => {
        await assertFaultless(t, await runSuite(["server", "--url", `${proxy.url}/mcp`, "--suite", "all", "--spec-version", revision]));
      });
    }

    test("finds nothing to fault in the authorization server, from its metadata to a token", async (t) => {
      const person = createPerson("conformance@example.com");
      const stop = new AbortController();
      let visited = false;

      /** What a browser does with the address that the suite prints. */
      async function visitPages(url: string): Promise<void> {
        const response = await reach(await person.authorize(url));
        assert.equal(response.status, 200, await response.text());
      }

      const args = ["authorization", "--url", host.url, "--client-id", REGISTERED_CLIENT.client_id, "--port", String(await freePort())];
      const run = await runSuite(args, {
        signal: stop.signal,
        onOutput(output) {
          const [, url] = /^(http\S+\/oauth\/authorize\?\S+)\n/m.exec(output) ?? [];
          if (url === undefined || visited) return;
          visited = true;
          // The suite would wait for minutes.
          visitPages(url).catch((error: unknown) => stop.abort(error));
        },
      });
      assert.deepEqual(
        [...run.scenarios.keys()].sort(),
        ["authorization-code-grant", "authorization-server-metadata-endpoint"],
        summaryOf(run.output),
      );
      await assertFaultless(t, run);
    });
  });
}

/** Milliseconds between two tries, and for all of them. */
const TRY_AGAIN = 50;
const GIVE_UP = 10_000;

/** The suite prints the address of the sign-in before it listens for the answer. */
async function reach(url: URL): Promise<Response> {
  const until = Date.now() + GIVE_UP;
  for (;;) {
    try {
      return await fetch(url);
    } catch (error) {
      if (Date.now() > until) throw error;
      await delay(TRY_AGAIN);
    }
  }
}

test("no scenario of the suite is left out", async () => {
  const scored = (await Promise.all(SCORED.map(({ revision }) => requiredScenarios(revision)))).flat();
  const ran = new Set<string>([...SCORED.flatMap(({ unscored }) => unscored), ...scored]);
  const left = (await allScenarios()).filter((scenario) => !ran.has(scenario) && !NOT_OURS.test(scenario));
  assert.deepEqual(left, []);
});

/** Each scenario is a test of its own, so that the report reads like the suite's. */
async function assertFaultless(t: TestContext, { scenarios, code, output }: SuiteRun): Promise<void> {
  assert.ok(scenarios.size > 0, summaryOf(output));
  for (const [scenario, checks] of scenarios) {
    const passed = checks.filter(({ status }) => status === "SUCCESS").length;
    await t.test(`${scenario} (${passed} checks)`, () => {
      assert.deepEqual(checks.filter(isFault).map(renderFault), []);
      assert.ok(passed > 0 || checks.some(isSkippedByDesign), "nothing was checked");
    });
  }
  assert.equal(code, 0, summaryOf(output));
}

/** It comes last. */
function summaryOf(output: string): string {
  return output.slice(-4000);
}

/** What fails, what the suite would rather have otherwise, and what it could not look at. */
function isFault(check: Check): boolean {
  return check.status === "FAILURE" || check.status === "WARNING" || (check.status === "SKIPPED" && !isSkippedByDesign(check));
}

function isSkippedByDesign({ id, status }: Check): boolean {
  return status === "SKIPPED" && Object.hasOwn(SKIPPED_BY_DESIGN, id);
}

function renderFault({ status, id, description, errorMessage, details }: Check): string {
  return `${status} ${id}: ${description}: ${errorMessage ?? ""} ${JSON.stringify(details) ?? ""}`;
}

/** The suite's callback server cannot choose one for itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
