import { importJWK, type JWK, jwtVerify } from "jose";

/** Who calls, as the official SDKs want it. */
export interface Authenticated {
  readonly token: string;
  readonly clientId: string;
  readonly scopes: string[];
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  readonly [claim: string]: unknown;
}

/** BENCH_JWK is the public key, BENCH_ISSUER and BENCH_AUDIENCE are what a token must name. */
const key = await importJWK(JSON.parse(process.env["BENCH_JWK"] ?? "") as JWK, "RS256");
const expected = { issuer: process.env["BENCH_ISSUER"] ?? "", audience: process.env["BENCH_AUDIENCE"] ?? "", typ: "at+jwt" };

/** Verifies an access token with jose, as its documentation shows: signature, issuer, audience, time. @throws {Error} */
export async function verifyToken(token: string): Promise<Authenticated> {
  const { payload } = await jwtVerify(token, key, expected);
  return { token, clientId: String(payload["client_id"]), scopes: String(payload["scope"]).split(" "), expiresAt: payload.exp ?? 0 };
}
