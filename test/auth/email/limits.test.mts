import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createClock, DAY, HOUR, MINUTE } from "../../support/clock.mts";
import { startPlainHost } from "../../support/host.mts";
import { codeIn, startMailServer } from "../../support/smtp.mts";
import { type Answer, createVisitor, type Visitor } from "./visitor.mts";

const WINDOWS = { minute: MINUTE, quarter: 15 * MINUTE, hour: HOUR, day: DAY } as const;
const GENEROUS = "100000/day";
/** One layer alone decides: all others are out of reach. */
const OPEN = {
  TRUSTED_PROXIES: "1",
  LIMIT_CODES_PER_ADDRESS: GENEROUS,
  LIMIT_CODES_PER_EMAIL: GENEROUS,
  LIMIT_CODES_PER_BROWSER: GENEROUS,
  LIMIT_TRIES_PER_ADDRESS: GENEROUS,
  LIMIT_TRIES_PER_EMAIL: GENEROUS,
  LIMIT_TRIES_PER_BROWSER: GENEROUS,
  LIMIT_WRONG_CODES_PER_EMAIL: "100000",
};
const WRONG = "2222-2222";

async function limited(context: TestContext, env: Readonly<Record<string, string>>) {
  const clock = createClock();
  const host = await startPlainHost({ clock, env: { ...OPEN, ...env } });
  context.after(() => host.close());
  return { url: host.url, clock };
}

function assertRefused({ status, wait, html }: Answer, window: number): void {
  assert.equal(status, 429);
  assert.ok(wait !== undefined && wait >= 1 && wait <= window / 1000, `${wait}`);
  assert.match(html, /Try again in \d+ (second|minute|hour)s?\./);
}

/** The one whom a limit is about, and everyone else: what they share is what is counted. */
type Pair = (url: string) => readonly [mine: readonly Step[], other: Step];
type Step = { readonly visitor: Visitor; readonly email: string; readonly from: string };

let others = 0;
const SUBJECTS: Readonly<Record<string, Pair>> = {
  ADDRESS: (url) => [
    ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"].map((from) => stranger(url, from)),
    stranger(url, "2001:db8:1:3::1"),
  ],
  EMAIL: (url) => [
    ["ann@example.com", "Ann+tag@example.com", "ann@example.com"].map((email) => ({ ...stranger(url), email })),
    stranger(url),
  ],
  BROWSER: (url) => {
    const visitor = createVisitor(url);
    return [[0, 1, 2].map(() => ({ ...stranger(url), visitor })), stranger(url)];
  },
};

function stranger(url: string, from?: string): Step {
  others += 1;
  return { visitor: createVisitor(url), email: `person${others}@example.com`, from: from ?? `203.0.113.${others % 250}` };
}

for (const [subject, pairOf] of Object.entries(SUBJECTS)) {
  for (const [name, window] of Object.entries(WINDOWS)) {
    test(`codes that are asked for are limited by ${subject.toLowerCase()} and ${name}, until the ${name} is over`, async (context) => {
      const { url, clock } = await limited(context, { [`LIMIT_CODES_PER_${subject}`]: `2/${name}` });
      const [mine, other] = pairOf(url);
      const ask = ({ visitor, email, from }: Step) => visitor.ask(email, from);
      const answers = [];
      for (const step of mine) answers.push(await ask(step));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 429],
      );
      assertRefused(answers[2] as Answer, window);
      assert.equal((await ask(other)).status, 200, "nobody else is held up");
      clock.advance(window);
      assert.equal((await ask(mine[2] as Step)).status, 200);
    });

    test(`codes that are typed are limited by ${subject.toLowerCase()} and ${name}, until the ${name} is over`, async (context) => {
      const { url, clock } = await limited(context, { [`LIMIT_TRIES_PER_${subject}`]: `2/${name}` });
      const [mine, other] = pairOf(url);
      const enter = async ({ visitor, email, from }: Step) => (await visitor.ask(email, from)).enter(WRONG);
      const answers = [];
      for (const step of mine) answers.push(await enter(step));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [400, 400, 429],
      );
      assertRefused(answers[2] as Answer, window);
      assert.equal((await enter(other)).status, 400, "nobody else is held up");
      clock.advance(window);
      assert.equal((await enter(mine[2] as Step)).status, 400);
    });
  }
}

test("wrong codes for an e-mail address are limited by day, with the time to wait", async (context) => {
  const { url, clock } = await limited(context, { LIMIT_WRONG_CODES_PER_EMAIL: "2" });
  const enter = async () => (await createVisitor(url).ask("ann@example.com")).enter(WRONG);
  assert.equal((await enter()).status, 400);
  assert.equal((await enter()).status, 400);
  assertRefused(await enter(), DAY);
  clock.advance(DAY);
  assert.equal((await enter()).status, 400);
});

test("the address of a shared egress is not counted", async (context) => {
  const { url } = await limited(context, {
    SHARED_EGRESS: "198.51.100.0/24",
    LIMIT_CODES_PER_ADDRESS: "1/day",
    LIMIT_TRIES_PER_ADDRESS: "1/day",
  });
  for (let count = 0; count < 4; count++) {
    const { visitor, email } = stranger(url);
    assert.equal((await (await visitor.ask(email, "198.51.100.9")).enter(WRONG)).status, 400);
  }
});

test("who is refused for the network address takes nothing from the owner of the e-mail address", async (context) => {
  const { url } = await limited(context, { LIMIT_CODES_PER_ADDRESS: "2/hour", LIMIT_CODES_PER_EMAIL: "3/hour" });
  const flood = [];
  for (let count = 0; count < 8; count++) flood.push((await createVisitor(url, "203.0.113.66").ask("ann@example.com")).status);
  assert.deepEqual(flood, [200, 200, ...Array(6).fill(429)]);
  assert.equal((await createVisitor(url, "203.0.113.1").ask("ann@example.com")).status, 200);
});

test("a browser that has signed in with the address is held up neither by strangers nor by its network", async (context) => {
  const server = await startMailServer();
  context.after(() => server.close());
  const { url } = await limited(context, {
    SMTP_URL: `smtp://127.0.0.1:${server.port}`,
    MAIL_FROM: "portico@example.com",
    LIMIT_CODES_PER_ADDRESS: "3/day",
    LIMIT_CODES_PER_EMAIL: "3/day",
    LIMIT_TRIES_PER_ADDRESS: "3/day",
    LIMIT_TRIES_PER_EMAIL: "3/day",
    LIMIT_WRONG_CODES_PER_EMAIL: "3",
  });
  const owner = createVisitor(url);
  const signIn = async () => (await owner.ask("ann@example.com")).enter(codeIn(await server.next()));
  assert.equal((await signIn()).status, 303);
  for (let count = 0; count < 6; count++) await (await createVisitor(url).ask("ann@example.com")).enter(WRONG);
  assert.equal((await createVisitor(url, "203.0.113.99").ask("ann@example.com")).status, 429);
  await server.next();
  await server.next();
  assert.equal((await signIn()).status, 303);
  assert.equal(server.mails.length, 4, "strangers had no more than all of them may have together");
});
