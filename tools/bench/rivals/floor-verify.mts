import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { createFloor } from "./floor-reply.mts";
import { listening } from "./listening.mts";

/** Bare node:http, and one `crypto.verify` of the request's token. BENCH_JWK is the public key. */
const key = createPublicKey({ key: JSON.parse(process.env["BENCH_JWK"] ?? "") as JsonWebKey, format: "jwk" });

listening(
  createFloor(({ headers }) => {
    const token = headers.authorization?.slice("Bearer ".length) ?? "";
    const end = token.lastIndexOf(".");
    const signature = Buffer.from(token.slice(end + 1), "base64url");
    if (!verify("sha256", Buffer.from(token.slice(0, end)), key, signature)) throw new Error("a token of another key");
  }),
);
