import { z } from "zod";
import { randomToken } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { blobCodec, createBlobs } from "../../shared/state/blobs.ts";
import type { Entry, Kind } from "../../shared/state/store.ts";

/** Where a replica gets what others have for it: answers, messages and news of tasks that arrived at the wrong door. */
export interface Inbox {
  /** This process, for others to write to. */
  readonly replica: string;
  /**
   * Has `letter` delivered at a replica: at once when it is this one, else through the store. May be large. Letters of
   * one process to another arrive in the order in which they were sent. A replica that is gone never reads it; nobody is
   * told.
   * @throws {Unavailable}
   */
  send(replica: string, topic: LetterTopic, letter: string): Promise<void>;
  /** Handles letters of a topic; set once. */
  handle(topic: LetterTopic, handler: (letter: string) => void): void;
  /** Reads letters until the returned function is called: for as long as something is expected. */
  expect(): () => void;
}

const LETTER_TOPICS = ["answer", "message", "task"] as const;
export type LetterTopic = (typeof LETTER_TOPICS)[number];

const letterCodec = z.strictObject({ topic: z.enum(LETTER_TOPICS), text: blobCodec });
type Letter = z.infer<typeof letterCodec>;

/**
 * Owner: the replica it is for. Id: when it was sent and by whom. A record each, so that senders are not in each other's
 * way and none is lost however many there are.
 */
const letterKind: Kind<Letter> = { name: "mcp_letter", codec: letterCodec };

/** Milliseconds. A replica that lives reads within a moment; this is for a store that is down meanwhile. */
const KEPT = 10 * 60_000;
/** Milliseconds between two looks. */
const INTERVAL = 250;
/** Letters may be large. */
const PAGE = 20;
const TIME_DIGITS = 15;

export function createInbox(service: Pick<Service, "store" | "sealer" | "clock" | "log" | "stopping">): Inbox {
  const { store, clock, log, stopping } = service;
  const replica = randomToken(9);
  const blobs = createBlobs(service);
  const handlers = new Map<LetterTopic, (letter: string) => void>();
  const sending = new Map<string, Promise<void>>();
  /** Handled, but not yet deleted. */
  const handled = new Set<string>();
  let expected = 0;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let down = false;
  let stamp = 0;

  function deliver(topic: LetterTopic, letter: string): void {
    try {
      const handler = handlers.get(topic);
      if (handler) handler(letter);
      else log.warn({ topic }, "nobody handles such letters");
    } catch (error) {
      log.error({ topic, err: error }, "a letter was not handled");
    }
  }

  async function post(to: string, topic: LetterTopic, letter: string): Promise<void> {
    const expiresAt = clock() + KEPT;
    const text = await blobs.write(purposeOf(to, topic), letter, expiresAt);
    stamp = Math.max(stamp + 1, clock());
    const id = `${String(stamp).padStart(TIME_DIGITS, "0")}.${replica}`;
    await store.create(letterKind, { owner: to, id }, { topic, text }, expiresAt);
  }

  async function look(): Promise<void> {
    if (looking) return;
    if (expected === 0) return stopLooking();
    looking = true;
    try {
      await readAll();
      down = false;
    } catch (error) {
      if (stopping.aborted) stopLooking();
      else if (!down) log.warn({ cause: error instanceof Error ? error.message : String(error) }, "letters cannot be read");
      down = true;
    }
    looking = false;
  }

  async function readAll(): Promise<void> {
    let cursor: string | undefined;
    do {
      const page = await store.list(letterKind, replica, cursor, PAGE);
      for (const entry of page.entries) await receive(entry);
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** Nobody else reads these letters, so that deleting may fail and be done at the next look. */
  async function receive({ id, value: { topic, text } }: Entry<Letter>): Promise<void> {
    if (!handled.has(id)) {
      const letter = await blobs.read(purposeOf(replica, topic), text);
      handled.add(id);
      if (letter !== undefined) deliver(topic, letter);
    }
    await blobs.remove(text);
    await store.take(letterKind, { owner: replica, id });
    handled.delete(id);
  }

  function stopLooking(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    replica,
    async send(to, topic, letter) {
      if (to === replica) return deliver(topic, letter);
      const sent = (sending.get(to) ?? Promise.resolve()).then(() => post(to, topic, letter));
      const settled = sent.catch(() => {});
      sending.set(to, settled);
      await sent.finally(() => {
        if (sending.get(to) === settled) sending.delete(to);
      });
    },
    handle: (topic, handler) => void handlers.set(topic, handler),
    expect() {
      expected++;
      timer ??= setInterval(look, INTERVAL).unref();
      let expecting = true;
      return () => {
        if (expecting) expected--;
        expecting = false;
      };
    },
  };
}

function purposeOf(replica: string, topic: LetterTopic): string {
  return `mcp-letter ${replica} ${topic}`;
}
