import { z } from "zod";
import { CapabilityError } from "../capabilities/capability.ts";
import type { Service } from "../service.ts";
import type { Kind } from "../state/store.ts";
import { readLiveTask } from "./task-lease.ts";
import { isOver, type TaskKey } from "./task-records.ts";

/** One for each task under way, so that they are counted without reading what they hold. Owner and id: the task's. */
export const slotKind: Kind<Record<string, never>> = { name: "mcp_task_slot", codec: z.strictObject({}) };

/** Seconds after which it is worth to try again. */
const RETRY_AFTER = 30;

/**
 * Counts one more task of a person; its record is there already.
 * @throws {CapabilityError} `rate_limited` when that is more than may be under way at once.
 * @throws {Unavailable}
 */
export async function takeSlot(service: Service, key: TaskKey, expiresAt: number): Promise<void> {
  const most = service.config.mcp.tasksPerSubject;
  await service.store.create(slotKind, key, {}, expiresAt);
  const taken = await listSlots(service, key.owner, most + 1);
  if (taken.length <= most) return;
  await freeLostSlots(service, key.owner, taken);
  if ((await listSlots(service, key.owner, most + 1)).length <= most) return;
  await freeSlot(service, key);
  const message = `There are ${most} tasks under way already, which is as many as there may be. Wait for one to end, or cancel one.`;
  throw new CapabilityError("rate_limited", message, { retryAfter: RETRY_AFTER });
}

/** @throws {Unavailable} */
export async function freeSlot({ store }: Service, key: TaskKey): Promise<void> {
  await store.take(slotKind, key);
}

async function listSlots({ store }: Service, owner: string, limit: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(slotKind, owner, cursor, limit - ids.length);
    ids.push(...page.entries.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined && ids.length < limit);
  return ids;
}

/** Frees the slots of tasks that ended without their process saying so. */
async function freeLostSlots(service: Service, owner: string, ids: readonly string[]): Promise<void> {
  const freeIfLost = async (key: TaskKey) => {
    const task = await readLiveTask(service, key);
    if (!task || isOver(task)) await freeSlot(service, key);
  };
  await Promise.all(ids.map((id) => freeIfLost({ owner, id })));
}
