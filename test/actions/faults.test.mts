import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { z } from "zod";
import { operationSurface } from "../../actions/faults.ts";
import { handleOperation } from "../../actions/operation.ts";
import {
  type CapabilityDefinition,
  CapabilityError,
  type CapabilityErrorCode,
  defineCapability,
} from "../../shared/capabilities/capability.ts";
import { registryOf } from "../../shared/capabilities/registry.ts";
import type { HttpFault } from "../../shared/http/exchange.ts";
import { createService, type Service } from "../../shared/service.ts";
import { exchangeOf } from "./exchange.mts";

let service: Service;
before(async () => {
  service = await createService({ env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent" } });
});
after(() => service.close());

function render(fault: HttpFault) {
  const reply = operationSurface.renderFault(fault, exchangeOf("/actions/x"), service);
  return { ...reply, problem: JSON.parse(String(reply.body)) };
}

/** The service with other capabilities. */
function serviceWith(...capabilities: CapabilityDefinition[]): Service {
  const registry = registryOf([{ capabilities }]);
  const own: Service = { ...service, registry, derived: (make) => make(own) };
  return own;
}

/** As `serve` classifies what a handler throws. */
function thrown(cause: Error): HttpFault {
  return { status: 500, message: "Something went wrong on our side.", cause };
}

for (const [code, status] of [
  ["unauthenticated", 401],
  ["insufficient_scope", 403],
  ["forbidden", 403],
  ["invalid_input", 400],
  ["not_found", 404],
  ["conflict", 409],
  ["key_reused", 422],
  ["rate_limited", 429],
  ["unavailable", 503],
  ["timed_out", 504],
  ["client_capability", 409],
  ["interaction_required", 409],
  ["internal", 500],
] as const satisfies readonly (readonly [CapabilityErrorCode, number])[]) {
  test(`the outcome ${code} is a ${status} with its own words`, () => {
    const { status: given, problem } = render(thrown(new CapabilityError(code, "In its own words.")));
    assert.equal(given, status);
    assert.equal(problem.detail, "In its own words.");
    assert.equal(problem.request_id, "request-1");
  });
}

test("only faults that another token mends carry a challenge", () => {
  const challenged = (code: CapabilityErrorCode) =>
    render(thrown(new CapabilityError(code, "No."))).headers?.["www-authenticate"] !== undefined;
  assert.deepEqual((["unauthenticated", "insufficient_scope", "forbidden", "not_found"] as const).map(challenged), [
    true,
    true,
    false,
    false,
  ]);
});

test("what may be tried again says when", () => {
  assert.equal(render(thrown(new CapabilityError("rate_limited", "Slower.", { retryAfter: 7 }))).headers?.["retry-after"], "7");
  assert.equal(render(thrown(new CapabilityError("unavailable", "Later."))).headers?.["retry-after"], "10");
  assert.equal(render({ status: 503, message: "Later.", cause: undefined, retryAfter: 2 }).headers?.["retry-after"], "2");
  assert.equal(render(thrown(new CapabilityError("conflict", "Busy.", { retryAfter: 5 }))).headers?.["retry-after"], "5");
  assert.equal(render(thrown(new CapabilityError("not_found", "No."))).headers?.["retry-after"], undefined);
});

test("what is not known keeps its text in the log", () => {
  const { status, problem } = render(thrown(new Error("a-secret")));
  assert.equal(status, 500);
  assert.deepEqual(problem, {
    type: "about:blank",
    title: "Internal Server Error",
    status: 500,
    detail: "Something went wrong on our side.",
    request_id: "request-1",
  });
});

test("a call is ended before ChatGPT gives up, whatever time its capability has", async ({ mock }) => {
  let aborted = false;
  const slow = defineCapability({
    name: "slow",
    title: "Slow",
    description: "Use this when you test.",
    scopes: "public",
    effect: "read",
    timeLimit: 600_000,
    input: z.object({}),
    output: z.object({}),
    prepare: () => Promise.resolve(),
    run: (_input, { signal }) =>
      new Promise<never>(() => {
        signal.addEventListener("abort", () => {
          aborted = true;
        });
        setImmediate(() => mock.timers.tick(40_000));
      }),
  });
  mock.timers.enable({ apis: ["setTimeout"] });
  const callSlowly = async () => handleOperation(exchangeOf("/actions/slow"), serviceWith(slow));
  const cause: unknown = await callSlowly().catch((error: unknown) => error);
  assert.ok(cause instanceof CapabilityError && aborted);
  assert.equal(render(thrown(cause)).status, 504);
});

test("an answer that Actions would not take is a fault that says what to do", async () => {
  const large = defineCapability({
    name: "large",
    title: "Large",
    description: "Use this when you test.",
    scopes: "public",
    effect: "read",
    input: z.object({}),
    output: z.object({ text: z.string() }),
    run: () => ({ text: "x".repeat(100_000) }),
  });
  const own = serviceWith(large);
  await assert.rejects(async () => handleOperation(exchangeOf("/actions/large"), own), /longer than the 100000 characters/);
});
