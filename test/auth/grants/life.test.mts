import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createClock, SECOND, type TestClock } from "../../support/clock.mts";
import { CODE_LIFE, crashes, type GrantModel, grantCommands, hasTokens, KEPT, pick, serviceFor, WINDOW } from "./grant-commands.mts";
import { beginGrant, type Crash, type Expected, STRANGER } from "./grant-model.mts";

const clock: TestClock = createClock();
const service = serviceFor(clock);

/** What the rules say of one grant of a public client. */
type Model = GrantModel;

function die(model: Model): Expected {
  return {
    answer: "refused",
    write: () => {
      model.state = "dead";
    },
  };
}

function redeemed(model: Model): Expected {
  if (model.state === "active") return die(model);
  if (model.state !== "pending") return { answer: "refused" };
  return {
    answer: "tokens",
    write: () => {
      model.state = "active";
    },
  };
}

function refreshed(model: Model, token: number): Expected {
  if (model.state !== "active") return { answer: "refused" };
  if (token === model.current) {
    return {
      answer: "tokens",
      write: () => {
        model.superseded = [{ token, at: model.now }, ...model.superseded].slice(0, KEPT);
        model.current += 1;
      },
    };
  }
  const superseded = model.superseded.find((one) => one.token === token);
  if (!superseded || model.now - superseded.at > WINDOW) return die(model);
  return { answer: superseded === model.superseded[0] ? "tokens" : "refused" };
}

const { always, redeem, redeeming, refreshing, refreshingWithAny, refreshingAtOnce } = grantCommands<Model>({ redeemed, refreshed });

/** Most steps are those of a client that does nothing wrong, or most grants would be short-lived. */
const commands = [
  ...Array.from({ length: 6 }, () => refreshing),
  redeeming,
  fc.constant(
    always("redeem with a wrong verifier", async (_model, real) => assert.equal(await real.redeem("none", "w".repeat(43)), "refused")),
  ),
  refreshingWithAny(6),
  refreshingAtOnce(8),
  fc
    .nat()
    .map((index) =>
      always(
        "another client's refresh",
        async (model, real) => assert.equal(await real.refresh(pick(model, index)[1], "none", STRANGER), "refused"),
        hasTokens,
      ),
    ),
  fc
    .nat()
    .map((index) =>
      always(
        "an invented refresh token",
        async (model, real) => assert.equal(await real.refresh(real.forge(pick(model, index)[1], "f".repeat(22)), "none"), "refused"),
        hasTokens,
      ),
    ),
  fc.tuple(fc.nat(6), crashes).map(([index, crash]) =>
    always(
      `revoke ${index} (crash ${crash})`,
      async (model, real) => {
        const [token, text] = pick(model, index);
        const counts = token === model.current || model.superseded.some((one) => one.token === token);
        const answer = await real.revoke(text, crash);
        const written = model.state === "active" && counts;
        if (written && crash !== "before") model.state = "dead";
        assert.equal(answer, written && crash !== "none" ? "crashed" : "done");
      },
      hasTokens,
    ),
  ),
  fc.constantFrom(1, 3, 7, 13, 29, 31).map((seconds) =>
    always(`${seconds} seconds pass`, async (model) => {
      clock.advance(seconds * SECOND);
      model.now += seconds;
      if (model.state === "pending" && model.now >= CODE_LIFE) model.state = "gone";
    }),
  ),
  fc.constant(
    always("the last access token is used", async (model, real) => {
      const last = real.accessTokens.at(-1);
      if (last !== undefined) assert.equal(await real.isAlive(last), model.state === "active");
    }),
  ),
];

test("whatever happens to a grant, in whatever order, it is what the rules make of it", async () => {
  const sequences = fc.commands([...commands], { maxCommands: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), sequences, async (isRedeemed, sequence) => {
      const real = await beginGrant(service(), clock);
      const model: Model = { state: "pending", now: 0, current: 0, superseded: [], known: new Map() };
      if (isRedeemed) await redeem(model, real, "none");
      await fc.asyncModelRun(() => ({ model, real }), sequence);
    }),
    { numRuns: 100 },
  );
});

test("a client that tries again after every crash is never signed out", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom<Crash>("none", "before", "after"), { minLength: 1, maxLength: 12 }), async (plan) => {
      const real = await beginGrant(service(), clock);
      let answer = await real.redeem("none");
      for (const crash of plan) {
        assert.ok(typeof answer === "object");
        const { refreshToken } = answer;
        answer = await real.refresh(refreshToken, crash);
        if (answer === "crashed") answer = await real.refresh(refreshToken, "none");
        clock.advance(5 * SECOND);
      }
      assert.equal(await real.state(), "active");
      assert.equal(await real.isAlive(real.accessTokens.at(-1) ?? ""), true);
    }),
    { numRuns: 60 },
  );
});

test("a thief and a victim who both hold a token cannot both go on", async () => {
  const both = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 31, max: 600 })), { minLength: 4, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(both, async (turns) => {
      const real = await beginGrant(service(), clock);
      const first = await real.redeem("none");
      assert.ok(typeof first === "object");
      const holds = { thief: first.refreshToken, victim: first.refreshToken };
      const uses = { thief: 0, victim: 0 };
      for (const [isThief, wait] of turns) {
        const who = isThief ? "thief" : "victim";
        const answer = await real.refresh(holds[who], "none");
        clock.advance(wait * SECOND);
        uses[who] += 1;
        if (typeof answer === "object") holds[who] = answer.refreshToken;
        if (uses.thief > 0 && uses.victim > 0) assert.equal(await real.state(), "dead");
      }
    }),
    { numRuns: 60 },
  );
});
