import { type AssertionAlgorithm, algorithmsOf, type ClientKey, type ClientKeySet, clientKeySet } from "../../shared/client-keys.ts";
import { FetchFault } from "../../shared/net/guarded-fetch.ts";
import type { Service } from "../../shared/service.ts";
import type { Client } from "./client.ts";
import { createFetchedDocuments, type DocumentSort, fetchedKind } from "./fetched.ts";

/** Milliseconds: an unknown key makes us look again, but not more often than this. */
const REFETCH_FLOOR = 60_000;
/** Without a key id, this many keys are tried. */
const MAX_CANDIDATES = 5;

/** What the header of an assertion says of its key. */
export interface KeyWanted {
  readonly algorithm: AssertionAlgorithm;
  readonly kid: string | undefined;
}

const keySets: DocumentSort<ClientKeySet> = {
  kind: fetchedKind("client_keys"),
  limit: 64 * 1024,
  read(document) {
    const parsed = clientKeySet.safeParse(document);
    if (parsed.success) return parsed.data;
    throw new FetchFault("refused", `the key set is none: ${parsed.error.issues[0]?.message}`);
  },
};

/**
 * The client's keys that may have signed an assertion; empty when there is none. An unknown key id makes us fetch the
 * key set again, for a client that has just changed its keys.
 *
 * @throws {FetchFault} and {HttpError} 429.
 */
export async function keysFor(service: Service, client: Client, wanted: KeyWanted, address: string): Promise<readonly ClientKey[]> {
  if (client.jwks !== undefined) return fitting(client.jwks, wanted);
  const { jwksUri } = client;
  if (jwksUri === undefined) return [];
  const documents = service.part(createFetchedDocuments);
  const known = fitting(await documents.get(keySets, jwksUri, { address }), wanted);
  if (known.length > 0) return known;
  return fitting(await documents.get(keySets, jwksUri, { address, maxAge: REFETCH_FLOOR }), wanted);
}

function fitting({ keys }: ClientKeySet, { algorithm, kid }: KeyWanted): readonly ClientKey[] {
  const candidates = keys.filter((key) => (kid === undefined || key.kid === kid) && algorithmsOf(key).includes(algorithm));
  return candidates.slice(0, MAX_CANDIDATES);
}
