import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** A web server on which clients publish what they say of themselves. */
export interface ClientSite {
  /** `http://localhost:PORT`. */
  readonly url: string;
  /** Publishes a document as JSON, or whatever `answer` does. @returns Its address. */
  publish(path: string, content: object | Answer, headers?: Readonly<Record<string, string>>): string;
  /** How often a path was asked for. */
  asked(path: string): number;
  /** From now on nobody answers. */
  down(): void;
  up(): void;
  close(): Promise<void>;
}

type Answer = (response: ServerResponse, ifNoneMatch: string | undefined) => void;

export async function startClientSite(): Promise<ClientSite> {
  const pages = new Map<string, Answer>();
  const counts = new Map<string, number>();
  let isDown = false;
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    counts.set(path, (counts.get(path) ?? 0) + 1);
    if (isDown) return response.destroy();
    const answer = pages.get(path);
    if (!answer) return response.writeHead(404).end();
    return answer(response, request.headers["if-none-match"]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${(server.address() as AddressInfo).port}`;
  return {
    url,
    publish(path, content, headers = {}) {
      const asJson: Answer = (response) =>
        response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(content));
      pages.set(path, typeof content === "function" ? (content as Answer) : asJson);
      return url + path;
    },
    asked: (path) => counts.get(path) ?? 0,
    down() {
      isDown = true;
    },
    up() {
      isDown = false;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A key of a client: what it publishes, and what it signs with. */
export interface SigningPair {
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
  readonly kid: string;
  readonly alg: string;
}

export async function makeKey(kid: string, alg = "RS256"): Promise<SigningPair> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" }, privateKey: pair.privateKey, kid, alg };
}

/** An assertion as a client makes it; `claims` and `header` override what is right. A member that is undefined is left out. */
export function assertionOf(
  { privateKey, kid, alg }: SigningPair,
  clientId: string,
  audience: string,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: clientId, sub: clientId, aud: audience, jti: crypto.randomUUID(), iat: now, exp: now + 60, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
}
