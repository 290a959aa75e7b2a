import assert from "node:assert/strict";
import { after, before } from "node:test";
import fc from "fast-check";
import { createService, type Service } from "../../../shared/service.ts";
import type { TestClock } from "../../support/clock.mts";
import { type Answer, type Crash, type Expected, type RealGrant, settle } from "./grant-model.mts";

/** What a model knows of one grant, whoever holds it. Refresh tokens are numbered as they are made. */
export interface GrantModel {
  state: "pending" | "active" | "dead" | "gone";
  /** Seconds since the beginning. */
  now: number;
  current: number;
  /** Newest first. */
  superseded: { readonly token: number; readonly at: number }[];
  /** The tokens whose reply has reached the client. */
  readonly known: Map<number, string>;
}

/** Seconds. */
export const CODE_LIFE = 60;
/** Seconds in which a superseded token is a lost reply and no theft. */
export const WINDOW = 30;
/** Superseded tokens that are remembered. */
export const KEPT = 4;

/** What the rules say for one kind of client. */
export interface GrantRules<M extends GrantModel> {
  redeemed(model: M): Expected;
  refreshed(model: M, token: number): Expected;
  /** What else a model notes of tokens that have reached the client. */
  learned?(model: M): void;
}

/** A service with a clock of the test's own, for as long as the tests of a file. */
export function serviceFor(clock: TestClock): () => Service {
  let service: Service;
  before(async () => {
    const env = { NODE_ENV: "test", STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", SWEEP_INTERVAL: "0" };
    service = await createService({ env, clock });
  });
  after(() => service.close());
  return () => service;
}

export const crashes = fc.constantFrom<Crash>("none", "none", "none", "before", "after");

/** The newest ones most often: there the rules differ from token to token. */
export function pick({ known }: Readonly<GrantModel>, index: number): readonly [number, string] {
  const all = [...known].reverse();
  return all[index % all.length] as [number, string];
}

export const hasTokens = ({ known }: Readonly<GrantModel>): boolean => known.size > 0;
const hasNewest = ({ known, current }: Readonly<GrantModel>): boolean => known.has(current);

/** What a client may do, checked against the rules after each step. */
export function grantCommands<M extends GrantModel>({ redeemed, refreshed, learned }: GrantRules<M>) {
  function always(
    name: string,
    run: (model: M, real: RealGrant) => Promise<unknown>,
    check: (model: Readonly<M>) => boolean = () => true,
  ): fc.AsyncCommand<M, RealGrant> {
    return {
      check,
      toString: () => name,
      async run(model, real) {
        await run(model, real);
        assert.equal(await real.state(), model.state, `the grant's state after ${name}`);
      },
    };
  }

  /** Whatever token the client gets, it is the current one, and the same each time. */
  function learn(model: M, answer: Answer): void {
    if (typeof answer !== "object") return;
    const known = model.known.get(model.current);
    if (known !== undefined) assert.equal(answer.refreshToken, known);
    model.known.set(model.current, answer.refreshToken);
    learned?.(model);
  }

  async function redeem(model: M, real: RealGrant, crash: Crash): Promise<void> {
    const expected = redeemed(model);
    learn(model, settle(await real.redeem(crash), crash, expected));
  }

  async function refresh(model: M, real: RealGrant, [token, text]: readonly [number, string], crash: Crash): Promise<void> {
    const expected = refreshed(model, token);
    learn(model, settle(await real.refresh(text, crash), crash, expected));
  }

  const newest = (model: M) => [model.current, model.known.get(model.current) ?? ""] as const;

  return {
    always,
    redeem,
    redeeming: crashes.map((crash) => always(`redeem (crash ${crash})`, (model, real) => redeem(model, real, crash))),
    refreshing: fc.constant(always("refresh with the newest", (model, real) => refresh(model, real, newest(model), "none"), hasNewest)),
    /** @param oldest How far back the token may lie. */
    refreshingWithAny: (oldest: number) =>
      fc
        .tuple(fc.nat(oldest), crashes)
        .map(([index, crash]) =>
          always(`refresh with ${index} (crash ${crash})`, (model, real) => refresh(model, real, pick(model, index), crash), hasTokens),
        ),
    /** @param most Requests at once. */
    refreshingAtOnce: (most: number) =>
      fc.integer({ min: 2, max: most }).map((count) =>
        always(
          `refresh ${count} times at once`,
          async (model, real) => {
            const [token, text] = newest(model);
            const expected = refreshed(model, token);
            const answers = await Promise.all(Array.from({ length: count }, () => real.refresh(text, "none")));
            settle(answers[0] ?? "refused", "none", expected);
            for (const answer of answers) {
              assert.equal(typeof answer, typeof answers[0]);
              learn(model, answer);
            }
          },
          hasNewest,
        ),
      ),
  };
}
