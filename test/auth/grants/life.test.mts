import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { createService, type Service } from "../../../shared/service.ts";
import { createClock, SECOND, type TestClock } from "../../support/clock.mts";
import { type Answer, beginGrant, type Crash, type Expected, type RealGrant, STRANGER, settle } from "./grant-model.mts";

const clock: TestClock = createClock();
let service: Service;
before(async () => {
  service = await createService({
    env: { NODE_ENV: "test", STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", SWEEP_INTERVAL: "0" },
    clock,
  });
});
after(() => service.close());

/**
 * What the rules say of one grant of a public client. Refresh tokens are numbered as they are made; the client knows
 * those whose reply has reached it.
 */
interface Model {
  state: "pending" | "active" | "dead" | "gone";
  /** Seconds since the beginning. */
  now: number;
  current: number;
  /** Newest first. */
  superseded: { readonly token: number; readonly at: number }[];
  readonly known: Map<number, string>;
}

const CODE_LIFE = 60;
const WINDOW = 30;
const KEPT = 4;

type Command = fc.AsyncCommand<Model, RealGrant>;
const always = (
  run: (model: Model, real: RealGrant) => Promise<void>,
  name: string,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command => ({
  check,
  toString: () => name,
  async run(model, real) {
    await run(model, real);
    assert.equal(await real.state(), model.state, `the grant's state after ${name}`);
  },
});

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

/** Whatever token the client gets, it is the current one, and the same each time. */
function learn(model: Model, answer: Answer): void {
  if (typeof answer !== "object") return;
  const known = model.known.get(model.current);
  if (known !== undefined) assert.equal(answer.refreshToken, known);
  model.known.set(model.current, answer.refreshToken);
}

/** The newest ones most often: there the rules differ from token to token. */
function pick(model: Readonly<Model>, index: number): readonly [number, string] {
  const all = [...model.known].reverse();
  return all[index % all.length] as [number, string];
}
const hasTokens = (model: Readonly<Model>) => model.known.size > 0;

const crashes = fc.constantFrom<Crash>("none", "none", "none", "before", "after");
const refreshWithNewest = fc.constant(
  always(
    async (model, real) => {
      const text = model.known.get(model.current) ?? "";
      const expected = refreshed(model, model.current);
      learn(model, settle(await real.refresh(text, "none"), "none", expected));
    },
    "refresh with the newest",
    (model) => model.known.has(model.current),
  ),
);

/** Most steps are those of a client that does nothing wrong, or most grants would be short-lived. */
const commands = [
  ...Array.from({ length: 6 }, () => refreshWithNewest),
  crashes.map((crash) =>
    always(async (model, real) => {
      const expected = redeemed(model);
      learn(model, settle(await real.redeem(crash), crash, expected));
    }, `redeem (crash ${crash})`),
  ),
  fc.constant(
    always(async (_model, real) => assert.equal(await real.redeem("none", "w".repeat(43)), "refused"), "redeem with a wrong verifier"),
  ),
  fc.tuple(fc.nat(6), crashes).map(([index, crash]) =>
    always(
      async (model, real) => {
        const [token, text] = pick(model, index);
        const expected = refreshed(model, token);
        learn(model, settle(await real.refresh(text, crash), crash, expected));
      },
      `refresh with ${index} (crash ${crash})`,
      hasTokens,
    ),
  ),
  fc.integer({ min: 2, max: 8 }).map((count) =>
    always(
      async (model, real) => {
        const text = model.known.get(model.current) ?? "";
        const expected = refreshed(model, model.current);
        const answers = await Promise.all(Array.from({ length: count }, () => real.refresh(text, "none")));
        settle(answers[0] ?? "refused", "none", expected);
        for (const answer of answers) {
          assert.equal(typeof answer, typeof answers[0]);
          learn(model, answer);
        }
      },
      `refresh ${count} times at once`,
      (model) => model.known.has(model.current),
    ),
  ),
  fc
    .nat()
    .map((index) =>
      always(
        async (model, real) => assert.equal(await real.refresh(pick(model, index)[1], "none", STRANGER), "refused"),
        "another client's refresh",
        hasTokens,
      ),
    ),
  fc
    .nat()
    .map((index) =>
      always(
        async (model, real) => assert.equal(await real.refresh(real.forge(pick(model, index)[1], "f".repeat(22)), "none"), "refused"),
        "an invented refresh token",
        hasTokens,
      ),
    ),
  fc.tuple(fc.nat(6), crashes).map(([index, crash]) =>
    always(
      async (model, real) => {
        const [token, text] = pick(model, index);
        const counts = token === model.current || model.superseded.some((one) => one.token === token);
        const answer = await real.revoke(text, crash);
        const written = model.state === "active" && counts;
        if (written && crash !== "before") model.state = "dead";
        assert.equal(answer, written && crash !== "none" ? "crashed" : "done");
      },
      `revoke ${index} (crash ${crash})`,
      hasTokens,
    ),
  ),
  fc.constantFrom(1, 3, 7, 13, 29, 31).map((seconds) =>
    always(async (model) => {
      clock.advance(seconds * SECOND);
      model.now += seconds;
      if (model.state === "pending" && model.now >= CODE_LIFE) model.state = "gone";
    }, `${seconds} seconds pass`),
  ),
  fc.constant(
    always(async (model, real) => {
      const last = real.accessTokens.at(-1);
      if (last !== undefined) assert.equal(await real.isAlive(last), model.state === "active");
    }, "the last access token is used"),
  ),
];

test("whatever happens to a grant, in whatever order, it is what the rules make of it", async () => {
  const sequences = fc.commands([...commands], { maxCommands: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(fc.boolean(), sequences, async (isRedeemed, sequence) => {
      const real = await beginGrant(service, clock);
      const model: Model = { state: "pending", now: 0, current: 0, superseded: [], known: new Map() };
      if (isRedeemed) {
        const expected = redeemed(model);
        learn(model, settle(await real.redeem("none"), "none", expected));
      }
      await fc.asyncModelRun(() => ({ model, real }), sequence);
    }),
    { numRuns: 100 },
  );
});

test("a client that tries again after every crash is never signed out", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom<Crash>("none", "before", "after"), { minLength: 1, maxLength: 12 }), async (plan) => {
      const real = await beginGrant(service, clock);
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
      const real = await beginGrant(service, clock);
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
