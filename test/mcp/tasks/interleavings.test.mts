import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createClock, SECOND } from "../../support/clock.mts";
import { type Json, openReplica, type Replica, says, temporaryState } from "./replica.mts";

const KEYS = ["first", "second", "third"];
const isOver = ({ status }: Json) => !["working", "input_required"].includes(status);

interface Step {
  readonly replica: number;
  readonly act: "get" | "cancel" | "finish" | "progress" | "lapse" | "answer";
  readonly keys: readonly string[];
  readonly readable: boolean;
  /** Whether the next step waits for this one. */
  readonly waits: boolean;
}

const steps = fc.array(
  fc.record({
    replica: fc.nat(1),
    act: fc.constantFrom("get", "get", "cancel", "finish", "progress", "answer", "answer", "answer", "lapse"),
    keys: fc.subarray([...KEYS, "first#2", "unknown"]),
    readable: fc.boolean(),
    waits: fc.boolean(),
  } satisfies { [K in keyof Step]: fc.Arbitrary<Step[K]> }),
  { maxLength: 14 },
);

test("however answers, cancellations, progress, lost leases and the end of the work meet, a task that is over stays as it is", async (t) => {
  const stateUrl = temporaryState(t);
  const clock = createClock();
  const env = { MCP_TASKS_PER_SUBJECT: "10000" };
  const replicas = [await openReplica(t, { stateUrl, clock, env }), await openReplica(t, { stateUrl, clock, env })] as const;

  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const released = Promise.withResolvers<void>();
      let tell: (() => void) | undefined;
      let runs = 0;
      const { taskId } = await replicas[0].begin(async ({ ask, progress }) => {
        runs++;
        let done = 0;
        tell = () => progress(++done);
        const asked = Promise.all(KEYS.map((key) => ask.url(key, "Open it.", "https://example.com/")));
        return says((await Promise.race([asked, released.promise.then(() => ["released"])])).length.toString());
      });
      const seen: Json[] = [];
      const running: Promise<unknown>[] = [];
      for (const step of script) {
        const act = perform(replicas[step.replica as 0 | 1], taskId, step, {
          seen,
          clock,
          tell: () => tell?.(),
          release: released.resolve,
        });
        running.push(act);
        if (step.waits) await act;
      }
      await Promise.all(running);
      await replicas[1].cancel(taskId);
      const last = await replicas[0].get(taskId);
      assert.ok(isOver(last));
      released.resolve();
      await replicas[0].update(taskId, { first: { action: "accept" } });
      assert.deepEqual(await replicas[1].get(taskId), last);
      const ends = seen.filter(isOver);
      for (const end of ends) assert.deepEqual(end, last);
      assert.ok(runs <= 1);
    }),
    { numRuns: 150 },
  );
});

interface World {
  /** What was seen, each time someone looked. */
  readonly seen: Json[];
  readonly clock: { advance(milliseconds: number): void };
  readonly tell: () => void;
  readonly release: () => void;
}

async function perform(replica: Replica, taskId: string, { act, keys, readable }: Step, world: World): Promise<void> {
  if (act === "get") world.seen.push(await replica.get(taskId));
  if (act === "cancel") await replica.cancel(taskId);
  if (act === "progress") world.tell();
  if (act === "finish") world.release();
  if (act === "lapse") world.clock.advance(31 * SECOND);
  if (act === "answer") await replica.update(taskId, Object.fromEntries(keys.map((key) => [key, { action: readable ? "accept" : 7 }])));
}
