/** A `fetch` for addresses that the operator configured. */
export type BoundedFetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Why a {@link BoundedFetch} gave nothing: nobody answered in time, or the answer was too large or led elsewhere. */
export class BoundedFetchError extends Error {
  override readonly name = "BoundedFetchError";
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
 * @throws {BoundedFetchError}
 */
export function createBoundedFetch({ deadline, limit }: Bounds): BoundedFetch {
  return async (url, init = {}) => {
    const { host } = new URL(url);
    const overdue = AbortSignal.timeout(deadline);
    try {
      const response = await fetch(url, { ...init, redirect: "manual", signal: overdue });
      if (response.status >= 300 && response.status < 400) {
        await response.body?.cancel();
        throw new BoundedFetchError(`${host} answered with a redirect (${response.status})`);
      }
      const body = await readAll(response, host, limit);
      // A status that has no body cannot be made with an empty one.
      return new Response(body.length === 0 ? null : new Uint8Array(body), { status: response.status, headers: response.headers });
    } catch (error) {
      if (error instanceof BoundedFetchError) throw error;
      const reason = overdue.aborted ? `did not answer within ${deadline} ms` : "cannot be reached";
      throw new BoundedFetchError(`${host} ${reason}`, { cause: error });
    }
  };
}

async function readAll(response: Response, host: string, limit: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    // Leaving the loop cancels the rest.
    if (size > limit) throw new BoundedFetchError(`${host} answered with more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
