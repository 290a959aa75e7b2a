import { z } from "zod";
import { sha256 } from "../../shared/hash.ts";
import type { Service } from "../../shared/service.ts";
import type { Kind } from "../../shared/state/store.ts";
import type { RequestId } from "../protocol/json-rpc.ts";

/**
 * A cancellation that may concern a call at another replica. Owner: the session's key. Id: the hash of the request's id.
 * Expires: {@link KEPT}.
 */
const cancellationKind: Kind<Record<string, never>> = { name: "mcp_cancellation", codec: z.strictObject({}) };

/** Milliseconds: longer than a request and the notification that cancels it are apart. */
const KEPT = 60_000;
/** Milliseconds between two looks for a cancellation that arrived elsewhere. */
const INTERVAL = 1_000;

/** Calls of legacy sessions that are under way here, so that `notifications/cancelled` finds them (MCP 2025-11-25 basic/utilities/cancellation). */
export interface RunningCalls {
  /** Notes a call until the returned function is called. `cancel` is called once at most. */
  begin(session: string, id: RequestId, cancel: () => void): RunningCall;
  /** Cancels a call of the session, wherever it runs. */
  cancel(session: string, id: RequestId): Promise<void>;
}

export interface RunningCall {
  /** From now on cancellations that arrive at other replicas are looked for as well: for calls that take long. */
  watch(): void;
  end(): void;
}

export function createRunningCalls({ store, clock, log }: Service): RunningCalls {
  const calls = new Map<string, () => void>();

  return {
    begin(session, id, cancel) {
      const name = nameOf(session, id);
      let timer: NodeJS.Timeout | undefined;
      calls.set(name, cancel);
      const look = async () => {
        try {
          if (await store.take(cancellationKind, keyOf(session, id))) return cancel();
        } catch (error) {
          log.warn({ cause: error instanceof Error ? error.message : String(error) }, "cannot look for a cancellation");
        }
        if (calls.get(name) === cancel) timer = setTimeout(look, INTERVAL).unref();
      };
      return {
        watch() {
          timer ??= setTimeout(look, INTERVAL).unref();
        },
        end() {
          clearTimeout(timer);
          if (calls.get(name) === cancel) calls.delete(name);
        },
      };
    },
    async cancel(session, id) {
      const cancel = calls.get(nameOf(session, id));
      if (cancel) return cancel();
      await store.create(cancellationKind, keyOf(session, id), {}, clock() + KEPT);
    },
  };
}

function nameOf(session: string, id: RequestId): string {
  return `${session} ${JSON.stringify(id)}`;
}

function keyOf(session: string, id: RequestId) {
  return { owner: session, id: sha256(JSON.stringify(id)) };
}
