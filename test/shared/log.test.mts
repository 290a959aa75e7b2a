import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { spawnService } from "../support/host.mts";
import { connect, DEVELOPMENT_GPT } from "../support/oauth.mts";

test("no line of the log holds a token, a code, a cookie or an e-mail address, except the sign-in code of development", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-log-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const service = await spawnService({ env: { LOG_LEVEL: "debug", STATE_URL: `sqlite:${join(folder, "state.db")}` } });
  const secrets: string[] = [];
  for (const client of [undefined, DEVELOPMENT_GPT]) {
    const { accessToken, refreshToken, person, reply } = await connect(service.url, {
      ...(client ? { client } : {}),
      email: "ann@example.com",
    });
    secrets.push(
      accessToken,
      refreshToken,
      reply.body.id_token,
      ...person
        .cookies(service.url)
        .split("; ")
        .map((pair) => pair.split("=")[1] ?? ""),
    );
    await fetch(`${service.url}/actions/session`, { headers: { authorization: `Bearer ${accessToken}` } });
    await fetch(`${service.url}/actions/session?access_token=${accessToken}`);
  }
  await service.stop();
  const lines = service.output().split("\n");
  assert.ok(lines.some((line) => line.includes('"event":"issue"')));
  const development = lines.filter((line) => line.includes("sign-in code for"));
  assert.equal(development.length, 2);
  const log = lines.filter((line) => !development.includes(line)).join("\n");
  for (const secret of secrets) assert.ok(secret.length > 20 && !log.includes(secret), secret);
  assert.ok(!log.includes("ann@example.com"));
  assert.doesNotMatch(log, /interaction\/[\w-]{20,}/);
});

test("each request has one line with its id, and a failure is found by the id its caller was given", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "portico-log-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const service = await spawnService({ env: { LOG_LEVEL: "info", STATE_URL: `sqlite:${join(folder, "state.db")}` } });
  const reply = await fetch(`${service.url}/oauth/token`, { method: "POST", body: new URLSearchParams({ grant_type: "x" }) });
  await reply.text();
  await service.stop();
  const lines = service
    .output()
    .split("\n")
    .filter((line) => line.includes(reply.headers.get("x-request-id") ?? "none"));
  assert.equal(lines.length, 1);
  const line = JSON.parse(lines[0] ?? "{}");
  assert.equal(line.status, 400);
  assert.equal(line.path, "/oauth/token");
  assert.equal(line.method, "POST");
});
