import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Service } from "../service.ts";
import type { Kind } from "../state/store.ts";

/** Id: what is limited, the window's start and the key. */
export const counterKind: Kind<number> = { name: "counter", codec: z.number() };

/** A counter of one window. */
export interface Budget {
  readonly id: string;
  readonly max: number;
  /** Milliseconds since the epoch. */
  readonly endsAt: number;
}

/**
 * What this process may still let through of counters that all replicas share. It buys from the store in batches, so
 * that not every request writes; all replicas together never let through more than `max`, and a little less when
 * batches are left over in several of them.
 */
export interface Budgets {
  /** Takes one. False when there is none left. @throws {Unavailable} when the store cannot count. */
  spend(budget: Budget): Promise<boolean>;
  /** Whether a budget is known to be used up. */
  isSpent(budget: Budget): boolean;
  /** Whether any is: cheap to ask. */
  anySpent(): boolean;
}

interface Account {
  left: number;
  waiting: number;
  buying: Promise<void> | undefined;
}

const MAX_ACCOUNTS = 20_000;
/** A batch is this part of what is allowed. */
const BATCHES = 10;
/** Counters are kept a little longer than their window, in milliseconds: other replicas' clocks may be behind. */
const GRACE = 60_000;

export function createBudgets({ store, clock }: Service): Budgets {
  const accounts = new LRUCache<string, Account>({ max: MAX_ACCOUNTS });
  const spent = new LRUCache<string, number>({ max: MAX_ACCOUNTS });

  function isSpent({ id, endsAt }: Budget): boolean {
    if (!spent.has(id)) return false;
    if (clock() < endsAt) return true;
    spent.delete(id);
    return false;
  }

  /** One purchase at a time for a counter: who comes meanwhile waits, and the next one buys for all of them. */
  async function buy({ id, max, endsAt }: Budget, account: Account): Promise<void> {
    const by = Math.max(Math.ceil(max / BATCHES), account.waiting);
    const total = await store.increment(counterKind, { id }, by, endsAt + GRACE);
    const granted = Math.min(Math.max(max - (total - by), 0), by);
    account.left += granted;
    if (granted < by) spent.set(id, endsAt);
  }

  return {
    isSpent,
    anySpent: () => spent.size > 0,
    async spend(budget) {
      const account = accounts.get(budget.id) ?? { left: 0, waiting: 0, buying: undefined };
      accounts.set(budget.id, account);
      account.waiting += 1;
      try {
        while (account.left === 0 && !isSpent(budget)) {
          account.buying ??= buy(budget, account).finally(() => {
            account.buying = undefined;
          });
          await account.buying;
        }
      } finally {
        account.waiting -= 1;
      }
      if (account.left === 0) return false;
      account.left -= 1;
      return true;
    },
  };
}
