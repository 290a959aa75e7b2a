/** A `fetch` for addresses that the operator configured. */
export type BoundedFetch = (url: string, init?: RequestInit) => Promise<Response>;

/**
 * Nobody answered (`unreachable`), or not in time (`slow`), or with more than may be (`oversized`), or the answer led
 * elsewhere (`redirected`).
 */
export type BoundedFetchFault = "unreachable" | "slow" | "oversized" | "redirected";

/** Why a {@link BoundedFetch} gave nothing. */
export class BoundedFetchError extends Error {
  override readonly name = "BoundedFetchError";
  readonly kind: BoundedFetchFault;

  constructor(kind: BoundedFetchFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export interface Bounds {
  /** Milliseconds from the request to the last byte of the body. */
  readonly deadline: number;
  /** Bytes of body, after decompression. */
  readonly limit: number;
}

/**
 * Unlike the guarded fetch for what strangers name, private addresses and http may be asked: whoever configures the
 * service decides where it goes. What answers there is still not believed to be quick, small or steady: the whole
 * answer is bounded in time and size, and no redirect is followed, which could carry credentials to another host.
 *
 * @throws {BoundedFetchError} when the caller's own signal aborts, too.
 */
export function createBoundedFetch({ deadline, limit }: Bounds): BoundedFetch {
  return async (url, init = {}) => {
    const { host } = new URL(url);
    const overdue = AbortSignal.timeout(deadline);
    const signal = init.signal ? AbortSignal.any([init.signal, overdue]) : overdue;
    try {
      const response = await fetch(url, { ...init, redirect: "manual", signal });
      if (response.status >= 300 && response.status < 400) {
        drop(response);
        throw new BoundedFetchError("redirected", `${host} answered with a redirect (${response.status})`);
      }
      const body = await readAll(response, host, limit);
      // A status that has no body cannot be made with an empty one.
      return new Response(body.length === 0 ? null : new Uint8Array(body), { status: response.status, headers: response.headers });
    } catch (error) {
      if (error instanceof BoundedFetchError) throw error;
      if (overdue.aborted) throw new BoundedFetchError("slow", `${host} did not answer within ${deadline} ms`, { cause: error });
      throw new BoundedFetchError("unreachable", `${host} cannot be reached`, { cause: error });
    }
  };
}

async function readAll(response: Response, host: string, limit: number): Promise<Buffer> {
  const oversized = () => new BoundedFetchError("oversized", `${host} answered with more than ${limit} bytes`);
  if (Number(response.headers.get("content-length") ?? 0) > limit) {
    drop(response);
    throw oversized();
  }
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    // Leaving the loop cancels the rest.
    if (size > limit) throw oversized();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** An answer that nobody reads would keep its connection. */
function drop({ body }: Response): void {
  body?.cancel().catch(() => {});
}
