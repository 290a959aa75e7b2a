import assert from "node:assert/strict";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createPerson } from "../../../tools/person.mts";
import { startPlainHost } from "../../support/host.mts";
import { authorizationUrl, pkce, registerClient } from "../../support/oauth.mts";
import { signInUpstream, startUpstream, type TestUpstream, UPSTREAM_CLIENT } from "../../support/upstream.mts";
import { ANN } from "./setting.mts";

const MEGABYTE = 1024 * 1024;

/** Says something of a body now and then, and never ends. */
function drip(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" }).write("{");
  const drops = setInterval(() => response.write(" "), 200);
  response.on("close", () => clearInterval(drops));
}

/** More than is read, without a length that says so. */
function flood(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json" });
  const piece = " ".repeat(MEGABYTE / 4);
  const pour = (left: number) => (left === 0 ? response.end("{}") : void response.write(piece, () => pour(left - 1)));
  pour(6);
}

const MANNERS: Readonly<Record<string, RequestListener>> = {
  silent: () => undefined,
  dripping: (_request, response) => drip(response),
  oversized: (_request, response) => flood(response),
  redirecting: (_request, response) => void response.writeHead(302, { location: "/elsewhere" }).end(),
};

const PLACES = ["metadata", "keys", "token", "userinfo"] as const;

/** A provider of which one place behaves ill; the others are an honest one's. */
function misbehave(honest: TestUpstream, place: (typeof PLACES)[number], ill: string): void {
  const paths = { metadata: "/.well-known/openid-configuration", keys: "/jwks", token: "/token", userinfo: "/me" };
  const member = { keys: "jwks_uri", token: "token_endpoint", userinfo: "userinfo_endpoint" };
  honest.alter = ({ path, ...answer }) => {
    if (path !== paths.metadata) return undefined;
    if (place === "metadata") return { ...answer, path, status: 307, headers: { location: ill } };
    return { ...answer, path, body: JSON.stringify({ ...JSON.parse(answer.body), [member[place]]: ill }) };
  };
}

test("nobody waits for long, or is signed in, whichever place of a provider is silent, dripping, oversized or leads elsewhere", async (context) => {
  const servers: Server[] = [];
  const asked: string[] = [];
  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      listener(request, response);
    });
    servers.push(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const cases = await Promise.all(
    PLACES.flatMap((place) =>
      Object.entries(MANNERS).map(async ([manner, listener]) => {
        const honest = await startUpstream({ configuration: { conformIdTokenClaims: true } });
        honest.people.set("ann", ANN);
        const ill = await serve(listener);
        if (place !== "metadata") misbehave(honest, place, `${ill}/ill`);
        // The document itself can only be had from the issuer's address.
        return { id: `${place}-${manner}`, honest, issuer: place === "metadata" ? ill : honest.issuer };
      }),
    ),
  );
  const entries = cases.map(({ id, issuer }) => ({ id, issuer, client_id: UPSTREAM_CLIENT.id, client_secret: UPSTREAM_CLIENT.secret }));
  const host = await startPlainHost({ env: { UPSTREAMS_JSON: JSON.stringify(entries), ALLOWED_EMAIL_DOMAINS: "example.com" } });
  context.after(async () => {
    await host.close();
    for (const { honest } of cases) await honest.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });
  const client = await registerClient(host.url);
  await Promise.all(
    cases.map(async ({ id, honest }) => {
      await honest.open({ redirect_uris: [`${host.url}/oauth/callback/${id}`] });
      const person = createPerson("");
      const parameters = { code_challenge: pkce().challenge, code_challenge_method: "S256" };
      const start = await person.open(authorizationUrl(host.url, client, parameters));
      const begun = performance.now();
      const page = await signInUpstream(person, start, honest, "ann", id);
      assert.equal(page.status, 503, id);
      assert.match(page.html, /does not answer right now/, id);
      assert.doesNotMatch(person.cookies(host.url), /_session=/, id);
      // Five seconds a request, and a machine that may be busy.
      assert.ok(performance.now() - begun < 20_000, id);
    }),
  );
  assert.ok(!asked.includes("/elsewhere"));
});
