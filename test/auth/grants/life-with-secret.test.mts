import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createClock, SECOND, type TestClock } from "../../support/clock.mts";
import { CODE_LIFE, crashes, type GrantModel, grantCommands, hasTokens, KEPT, pick, serviceFor, WINDOW } from "./grant-commands.mts";
import { beginGrant, CONFIDENTIAL, type Expected, PUBLIC } from "./grant-model.mts";

const clock: TestClock = createClock();
const service = serviceFor(clock);

/** Seconds, each. */
const HOUR = 3_600;
const DAY = 24 * HOUR;
const IDLE = 30 * DAY;
const ABSOLUTE = 180 * DAY;
const ROTATES = 0.7 * IDLE;
const KEPT_DEAD = 30 * DAY;

/** What the rules say of one grant of a client with a secret, which keeps its refresh token for most of its idle life. */
interface Model extends GrantModel {
  /** When its record goes. */
  ends: number;
  redeemedAt: number;
  issuedAt: number;
  writtenAt: number;
  /** A lost reply can be had again until the new token was used. */
  hasReply: boolean;
  accessEnds: number;
}

function die(model: Model): Expected {
  return {
    answer: "refused",
    write: () => {
      model.state = "dead";
      model.ends = model.now + KEPT_DEAD;
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
      model.redeemedAt = model.issuedAt = model.now;
      used(model);
    },
  };
}

function used(model: Model): void {
  model.writtenAt = model.now;
  model.ends = Math.min(model.now + IDLE, model.redeemedAt + ABSOLUTE);
}

function refreshed(model: Model, token: number): Expected {
  if (model.state !== "active") return { answer: "refused" };
  if (token === model.current) return model.now - model.issuedAt < ROTATES ? keptToken(model) : rotated(model);
  const known = model.superseded.find((one) => one.token === token);
  if (!known || model.now - known.at > WINDOW) return die(model);
  return { answer: known === model.superseded[0] && model.hasReply ? "tokens" : "refused" };
}

/** An hour apart, or after a rotation, a use is written down. */
function keptToken(model: Model): Expected {
  if (!model.hasReply && model.now - model.writtenAt < HOUR) return { answer: "tokens" };
  return {
    answer: "tokens",
    write: () => {
      model.hasReply = false;
      used(model);
    },
  };
}

function rotated(model: Model): Expected {
  return {
    answer: "tokens",
    write: () => {
      model.superseded = [{ token: model.current, at: model.now }, ...model.superseded].slice(0, KEPT);
      model.current += 1;
      model.issuedAt = model.now;
      model.hasReply = true;
      used(model);
    },
  };
}

function learned(model: Model): void {
  // A replayed reply holds the access token of the rotation, from this very half minute.
  if (model.state === "active") model.accessEnds = Math.min(model.now + HOUR - WINDOW, model.redeemedAt + ABSOLUTE);
}

const { always, redeem, redeeming, refreshing, refreshingWithAny, refreshingAtOnce } = grantCommands<Model>({
  redeemed,
  refreshed,
  learned,
});

const timePasses = fc
  .constantFrom(1, 29, 31, 31, HOUR - 1, HOUR + 1, DAY, 10 * DAY, ROTATES + 1, ROTATES + 1, IDLE - 1, IDLE + 1)
  .map((seconds) =>
    always(`${seconds} seconds pass`, async (model) => {
      clock.advance(seconds * SECOND);
      model.now += seconds;
      if (model.now >= model.ends) model.state = "gone";
    }),
  );

/** Most steps are those of a client that does nothing wrong, or most grants would be short-lived. */
const commands = [
  ...Array.from({ length: 8 }, () => refreshing),
  ...Array.from({ length: 4 }, () => refreshingWithAny(2)),
  ...Array.from({ length: 6 }, () => timePasses),
  redeeming,
  refreshingAtOnce(6),
  fc
    .nat()
    .map((index) =>
      always(
        "a refresh without the secret",
        async (model, real) => assert.equal(await real.refresh(pick(model, index)[1], "none", PUBLIC), "refused"),
        hasTokens,
      ),
    ),
  fc.tuple(fc.nat(4), crashes).map(([index, crash]) =>
    always(
      `revoke ${index} (crash ${crash})`,
      async (model, real) => {
        const [token, text] = pick(model, index);
        const counts = token === model.current || model.superseded.some((one) => one.token === token);
        const written = model.state === "active" && counts;
        assert.equal(await real.revoke(text, crash), written && crash !== "none" ? "crashed" : "done");
        if (written && crash !== "before") die(model).write?.();
      },
      hasTokens,
    ),
  ),
  fc.constant(
    always("the last access token is used", async (model, real) => {
      const last = real.accessTokens.at(-1);
      const isYoung = model.now < model.accessEnds;
      if (last !== undefined && isYoung) assert.equal(await real.isAlive(last), model.state === "active");
      if (last !== undefined && model.state !== "active") assert.equal(await real.isAlive(last), false);
    }),
  ),
];

test("whatever happens to a grant of a client with a secret, it is what the rules make of it", async () => {
  const sequences = fc.commands([...commands], { maxCommands: 60, size: "max" });
  await fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const real = await beginGrant(service(), clock, CONFIDENTIAL);
      const model: Model = {
        state: "pending",
        now: 0,
        ends: CODE_LIFE,
        redeemedAt: 0,
        current: 0,
        issuedAt: 0,
        writtenAt: 0,
        hasReply: false,
        superseded: [],
        known: new Map(),
        accessEnds: 0,
      };
      await redeem(model, real, "none");
      await fc.asyncModelRun(() => ({ model, real }), sequence);
    }),
    { numRuns: 250 },
  );
});
