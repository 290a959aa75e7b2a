import { LRUCache } from "lru-cache";
import { z } from "zod";
import { type Caller, LOG_SEVERITIES } from "../../shared/capabilities/capability.ts";
import { randomToken, sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import { type Entry, type Kind, Unavailable } from "../../shared/state/store.ts";
import { clientFeaturesCodec } from "../protocol/client-features.ts";
import { McpError } from "../protocol/errors.ts";

const sessionCodec = z.strictObject({
  clientId: z.string(),
  revision: z.string(),
  features: clientFeaturesCodec,
  /** Set by `logging/setLevel`. */
  logSeverity: z.enum(LOG_SEVERITIES).optional(),
  /** Addresses of resources whose changes the client wants to hear of. */
  subscriptions: z.array(z.string()),
  createdAt: z.number(),
  /** Which of its streams carries what belongs to no request: the newest, so that nothing is said twice. */
  stream: z.string().optional(),
  /** Of HTTP+SSE alone: where everything is sent, the responses too, and the replica that holds it. */
  outlet: z.strictObject({ replica: z.string(), stream: z.string() }).optional(),
});
export type Session = z.infer<typeof sessionCodec>;

/** Owner: the subject. Id: the hash of the session id. Expires when it was not used for the configured time. */
const sessionKind: Kind<Session> = { name: "mcp_session", codec: sessionCodec };

/** A session that a request named and may use. Its value is of the moment of the request. */
export interface OpenSession extends Session {
  /** The hash of the session id: what is kept about the session is kept under it. */
  readonly key: string;
  readonly subject: string;
  /**
   * Changes the session by compare and set; `change` may run more than once.
   * @throws {McpError} `session_ended` when it ended meanwhile.
   */
  update(change: (session: Session) => Session): Promise<void>;
}

/** The sessions of legacy clients (MCP 2025-11-25 basic/transports §session-management), good at every replica. */
export interface Sessions {
  /** @returns the id for the client; who has too many sessions loses the oldest, and its stream. */
  begin(
    caller: Caller,
    given: Pick<Session, "revision" | "features" | "stream" | "outlet">,
  ): Promise<{ readonly id: string; readonly session: OpenSession }>;
  /** The caller's own session, of the client that began it. @throws {McpError} `session_ended` for any other. */
  find(id: string, caller: Caller): Promise<OpenSession>;
  /** The session as it is now, or nothing when it has ended. */
  read(subject: string, key: string): Promise<OpenSession | undefined>;
  /** Ends it, and its stream. */
  end(session: OpenSession): Promise<void>;
}

const MAX_USED = 2_000;

/** Times a lost compare-and-set is tried again. */
const MAX_TRIES = 8;

export function createSessions({ store, clock, config, log, changes }: Service): Sessions {
  const { sessionIdle, sessionsPerSubject } = config.mcp;
  /** Sessions by their ids, as they were last read here. Each request reads its own again, and parses it when it has changed. */
  const used = new LRUCache<string, Entry<Session>>({ max: MAX_USED });

  function open(subject: string, key: string, session: Session): OpenSession {
    return { ...session, key, subject, update: (change) => update({ owner: subject, id: key }, change) };
  }

  async function update(key: { readonly owner: string; readonly id: string }, change: (session: Session) => Session): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const entry = await store.get(sessionKind, key);
      if (!entry) throw ended();
      if (await store.replace(sessionKind, key, entry.version, change(entry.value), clock() + sessionIdle)) return;
    }
    throw new Unavailable("a session changes too often");
  }

  /** A use is written once in a while, not at each request. */
  function isDue({ expiresAt }: Entry<Session>): boolean {
    return (expiresAt ?? 0) - clock() <= sessionIdle / 2;
  }

  async function prolong(subject: string, entry: Entry<Session>): Promise<void> {
    await store.replace(sessionKind, { owner: subject, id: entry.id }, entry.version, entry.value, clock() + sessionIdle);
  }

  /** Comes after the new one is there: of many that begin together, the last to look sees them all. */
  async function makeRoom(subject: string, newest: string): Promise<void> {
    const others: { readonly id: string; readonly createdAt: number }[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.list(sessionKind, subject, cursor, sessionsPerSubject + 1);
      for (const { id, value } of page.entries) {
        if (id !== newest) others.push({ id, createdAt: value.createdAt });
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    const tooMany = others.length + 1 - sessionsPerSubject;
    if (tooMany <= 0) return;
    const oldest = others.sort((a, b) => a.createdAt - b.createdAt).slice(0, tooMany);
    log.info({ subject, ended: oldest.length }, "too many sessions: the oldest end");
    for (const { id } of oldest) await remove(subject, id);
  }

  async function remove(subject: string, key: string): Promise<void> {
    const removed = await store.take(sessionKind, { owner: subject, id: key });
    // Its stream, wherever it is, hears of it.
    if (removed?.value.stream !== undefined) changes.announce({ topic: "session", key });
  }

  return {
    async begin({ subject, clientId }, given) {
      const id = randomToken();
      const key = sha256(id);
      const value: Session = { clientId, subscriptions: [], createdAt: clock(), ...given };
      await store.create(sessionKind, { owner: subject, id: key }, value, clock() + sessionIdle);
      await makeRoom(subject, key);
      return { id, session: open(subject, key, value) };
    },
    async find(id, { subject, clientId }) {
      const last = used.get(id);
      const entry = await store.get(sessionKind, { owner: subject, id: last?.id ?? sha256(id) }, last);
      if (entry?.value.clientId !== clientId) throw ended();
      if (entry !== last) used.set(id, entry);
      if (isDue(entry)) await prolong(subject, entry);
      return open(subject, entry.id, entry.value);
    },
    async read(subject, key) {
      const entry = await store.get(sessionKind, { owner: subject, id: key });
      return entry && open(subject, entry.id, entry.value);
    },
    end: ({ subject, key }) => remove(subject, key),
  };
}

function ended(): McpError {
  return new McpError("session_ended", "There is no such session, or it has ended. Begin with initialize.");
}
