import { createPrivateKey, type JsonWebKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { listening } from "./listening.mts";

/**
 * Bare node:http that reads a form and signs every JWT of its answer anew: what no authorization server can do without.
 * FLOOR_BODY is the file with a token endpoint's answer, BENCH_PRIVATE_JWK the RSA key.
 */
const key = createPrivateKey({ key: JSON.parse(process.env["BENCH_PRIVATE_JWK"] ?? "") as JsonWebKey, format: "jwk" });
const answer = JSON.parse(readFileSync(process.env["FLOOR_BODY"] ?? "", "utf8")) as Readonly<Record<string, unknown>>;
const signedOf = Object.entries(answer)
  .filter(([, value]) => typeof value === "string" && /^eyJ[^.]*\.[^.]+\.[^.]+$/.test(value))
  .map(([name, jwt]) => [name, String(jwt).slice(0, String(jwt).lastIndexOf("."))] as const);

listening(
  createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      new URLSearchParams(Buffer.concat(pieces).toString("utf8")).get("grant_type");
      const tokens = signedOf.map(([name, text]) => [name, `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`]);
      const body = JSON.stringify({ ...answer, ...Object.fromEntries(tokens) });
      response.writeHead(200, { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }).end(body);
    });
  }),
);
