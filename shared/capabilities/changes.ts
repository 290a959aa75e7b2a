import { z } from "zod";
import type { Log } from "../log.ts";
import { type FeedPage, openFeed } from "../state/feed.ts";
import type { Store } from "../state/store.ts";
import type { Change } from "./offer.ts";

/** A change of what is offered, of a task, or of a legacy session, which has ended or has another stream. */
export type Announcement =
  | Change
  | { readonly topic: "task"; readonly owner: string; readonly id: string }
  | { readonly topic: "session"; readonly key: string };

/** Carries changes between replicas: what one of them announces is heard by those who follow at any. */
export interface Changes {
  /** Returns at once; what cannot be stored is logged. */
  announce(announcement: Announcement): void;
  /** The position of now: what is announced later comes after it. @throws {Unavailable} */
  position(): Promise<number>;
  /**
   * Calls `listener` for every announcement after `after` (from now when undefined), in order, until `signal` aborts.
   * The store is read once for all followers of a process, and only while there are some. Who was away for longer than
   * announcements are kept hears that tools, prompts and resources changed, so that no client stays stale; what was
   * announced of single resources and tasks meanwhile is lost.
   */
  follow(after: number | undefined, listener: (announcement: Announcement, position: number) => void, signal: AbortSignal): void;
}

const announcementCodec: z.ZodType<Announcement> = z.discriminatedUnion("topic", [
  z.strictObject({ topic: z.enum(["tools", "prompts", "resources"]) }),
  z.strictObject({ topic: z.literal("resource"), uri: z.string() }),
  z.strictObject({ topic: z.literal("task"), owner: z.string(), id: z.string() }),
  z.strictObject({ topic: z.literal("session"), key: z.string() }),
]);

const LISTS: readonly Announcement[] = [{ topic: "tools" }, { topic: "prompts" }, { topic: "resources" }];

/** Some hundred a minute are more than clients can follow. */
const MOST = 500;
/** Milliseconds: longer than a stream needs to come back elsewhere. */
const MAX_AGE = 10 * 60_000;
/** Milliseconds after which an announcement of another replica is heard at the latest. */
const INTERVAL = 500;

interface Follower {
  /** Undefined until its first read, for those who begin now. */
  position: number | undefined;
  readonly listener: (announcement: Announcement, position: number) => void;
  readonly signal: AbortSignal;
}

interface Needed {
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly log: Log;
  readonly stopping: AbortSignal;
}

export function createChanges({ store, clock, log, stopping }: Needed): Changes {
  const feed = openFeed({ store, clock }, { name: "changes", codec: announcementCodec, most: MOST, maxAge: MAX_AGE });
  const followers = new Set<Follower>();
  const joining = new Set<Follower>();
  /** Everything up to it has been given to `followers`. */
  let cursor: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let polls = 0;
  let down = false;
  /** Announcements that no turn has taken yet, as long as nobody began to follow after the first of them. */
  let batch: Announcement[] | undefined;
  // Publishing and reading take turns, so that who follows before something is announced hears it.
  let turn: Promise<void> = Promise.resolve();
  stopping.addEventListener("abort", stopPolling, { once: true });

  async function publish(announcements: readonly Announcement[]): Promise<void> {
    const results = await Promise.allSettled(announcements.map(feed.publish));
    const failed = results.find((result) => result.status === "rejected");
    if (failed && !stopping.aborted) log.warn({ cause: messageOf(failed.reason) }, "what changed was not announced to all");
  }

  function poll(): void {
    if (followers.size + joining.size === 0) {
      stopPolling();
      return;
    }
    // Who waits for a turn sees everything up to then.
    if (polls > 1) return;
    polls++;
    turn = turn.then(async () => {
      await read();
      polls--;
    });
  }

  async function read(): Promise<void> {
    try {
      await readOn();
      await letJoin();
      down = false;
    } catch (error) {
      if (!down && !stopping.aborted) log.warn({ cause: messageOf(error) }, "changes cannot be read");
      down = true;
    }
  }

  async function readOn(): Promise<void> {
    if (followers.size === 0) cursor = undefined;
    if (cursor === undefined) return;
    const page = await feed.read(cursor);
    for (const follower of followers) deliver(follower, page);
    cursor = page.position;
  }

  /** Comes after the others have read, so that they and whoever joins go on from the same place. */
  async function letJoin(): Promise<void> {
    if (joining.size === 0) return;
    const all = [...joining];
    const present = cursor ?? (await feed.read(undefined)).position;
    cursor = present;
    for (const follower of all) {
      // Who left while the store was read for others needs none of it.
      if (!joining.has(follower)) continue;
      // Clients may say where they stopped, and must not make anyone wait for a position that never was.
      follower.position = Math.min(follower.position ?? present, present);
      if (follower.position < present) deliver(follower, await feed.read(follower.position));
      // Some leave while the store is read.
      if (joining.delete(follower)) followers.add(follower);
    }
  }

  function deliver(follower: Follower, { items, position, incomplete }: FeedPage<Announcement>): void {
    const since = follower.position ?? 0;
    if (incomplete) for (const announcement of LISTS) tell(follower, announcement, since);
    for (const item of items) if (item.position > since) tell(follower, item.item, item.position);
    follower.position = Math.max(since, position);
  }

  function tell({ listener, signal }: Follower, announcement: Announcement, position: number): void {
    if (signal.aborted) return;
    try {
      listener(announcement, position);
    } catch (error) {
      log.error({ topic: announcement.topic, cause: messageOf(error) }, "a follower of changes failed");
    }
  }

  function stopPolling(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    announce(announcement) {
      if (batch) return void batch.push(announcement);
      const own = [announcement];
      batch = own;
      turn = turn.then(async () => {
        if (batch === own) batch = undefined;
        await publish(own);
        if (followers.size > 0) await read();
      });
    },
    async position() {
      await turn;
      return (await feed.read(undefined)).position;
    },
    follow(after, listener, signal) {
      if (signal.aborted || stopping.aborted) return;
      const follower: Follower = { position: after, listener, signal };
      const leave = () => {
        followers.delete(follower);
        joining.delete(follower);
      };
      signal.addEventListener("abort", leave, { once: true });
      joining.add(follower);
      batch = undefined;
      timer ??= setInterval(poll, INTERVAL).unref();
      poll();
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
