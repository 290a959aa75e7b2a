import type { Asker, InputRequest, ReadAnswer } from "../capabilities/ask.ts";
import type { Details } from "./task-records.ts";

/** Answers to one question that cannot be read, until the work goes on without one. */
const MAX_UNREADABLE = 3;

/** The questions of a task that wait for answers here, where the task runs. */
export interface TaskQuestions {
  readonly put: Asker["put"];
  /** Those that a record does not have yet. */
  missing(details: Details): Details["questions"];
  /** Hands over answers that came. One that cannot be read is asked for again. */
  deliver(answers: Details["answers"]): void;
  /** Nobody needs the answers any more. */
  forget(): void;
  /** No answer can come any more, neither to these questions nor to later ones. */
  abandon(reason: unknown): void;
}

interface Waiting {
  readonly request: InputRequest;
  offer(answer: unknown): void;
  fail(reason: unknown): void;
}

/** @param onMissing Called when there is a question that no record has. */
export function createTaskQuestions(onMissing: () => void): TaskQuestions {
  const waiting = new Map<string, Waiting>();
  const uses = new Map<string, number>();
  let abandoned: { readonly reason: unknown } | undefined;

  function put<T>(name: string, request: InputRequest, read: ReadAnswer<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let unreadable = 0;
    const pose = () => {
      if (abandoned) return reject(abandoned.reason);
      waiting.set(unusedKey(name), { request, offer, fail: reject });
      onMissing();
    };
    const offer = (answer: unknown) => {
      try {
        resolve(read(answer));
      } catch (error) {
        unreadable++;
        if (unreadable < MAX_UNREADABLE) pose();
        else reject(error);
      }
    };
    pose();
    return promise;
  }

  /**
   * A key that was answered is never used again, not even for the same question: clients do not show it twice
   * (SEP-2663 §task-update-requests). No key of a capability's own has a "#".
   */
  function unusedKey(name: string): string {
    const used = (uses.get(name) ?? 0) + 1;
    uses.set(name, used);
    return used === 1 ? name : `${name}#${used}`;
  }

  return {
    put,
    missing({ questions, answers }) {
      const missing = [...waiting].filter(([key]) => !Object.hasOwn(questions, key) && !Object.hasOwn(answers, key));
      return Object.fromEntries(missing.map(([key, { request }]) => [key, { method: request.method, params: request.params }]));
    },
    deliver(answers) {
      for (const [key, answer] of Object.entries(answers)) {
        const asked = waiting.get(key);
        waiting.delete(key);
        asked?.offer(answer);
      }
    },
    forget: () => waiting.clear(),
    abandon(reason) {
      abandoned = { reason };
      for (const { fail } of waiting.values()) fail(reason);
      waiting.clear();
    },
  };
}
