/**
 * What is there already, or is to come. Most requests need not wait for anything after their body: what is there goes on
 * at once, in the same turn, where `await` would put everyone behind it to the end of the queue.
 *
 * What gives one may throw at once: in a list for `Promise.all` it would leave alone what was begun before it.
 */
export type Awaitable<T> = T | Promise<T>;

/** `await`: what `next` makes of the value. Throws or rejects as its parts do. */
export function andThen<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** `try` and `catch`. */
export function attempt<T, U>(work: () => Awaitable<T>, failed: (error: unknown) => Awaitable<U>): Awaitable<T | U> {
  try {
    const value = work();
    return value instanceof Promise ? value.catch(failed) : value;
  } catch (error) {
    return failed(error);
  }
}

/** `try` and `finally`. */
export function lastly<T>(work: () => Awaitable<T>, done: () => void): Awaitable<T> {
  let value: Awaitable<T>;
  try {
    value = work();
  } catch (error) {
    done();
    throw error;
  }
  if (value instanceof Promise) return value.finally(done);
  done();
  return value;
}
