import assert from "node:assert/strict";
import { after, test } from "node:test";
import { loadEndpoints } from "../../tools/encore/endpoints.mts";
import { serviceFile, writeApp } from "./app-folder.mts";

const app = writeApp({
  "books/encore.service.ts": serviceFile("books"),
  "books/endpoints.ts": `
    import { api } from "encore.dev/api";
    const same = (_request, response) => response.end("books");
    export const list = api.raw({ expose: true, method: "GET", path: "/books" }, same);
    export const add = api.raw({ expose: true, method: ["PUT", "POST"], path: "/books", bodyLimit: 4 * 1024 }, same);
    export const limit = 3;
  `,
  "authors/encore.service.ts": serviceFile("authors"),
  "authors/endpoints.ts": `
    import { api } from "encore.dev/api";
    export const anything = api.raw({ expose: true, method: "*", path: "/authors/*rest", bodyLimit: null }, () => {});
  `,
  "shared/endpoints.ts": "throw new Error('not a service');",
});
after(app.remove);

test("every exported api.raw of every folder with encore.service.ts is an endpoint with its own options", async () => {
  const endpoints = await loadEndpoints(app.root);
  assert.deepEqual(
    endpoints.map(({ service, name, options }) => ({ service, name, options })),
    [
      { service: "authors", name: "anything", options: { expose: true, method: "*", path: "/authors/*rest", bodyLimit: null } },
      { service: "books", name: "add", options: { expose: true, method: ["PUT", "POST"], path: "/books", bodyLimit: 4096 } },
      { service: "books", name: "list", options: { expose: true, method: "GET", path: "/books" } },
    ],
  );
});

test("a service without endpoints.ts is named when it is loaded", async () => {
  const empty = writeApp({ "empty/encore.service.ts": serviceFile("empty") });
  await assert.rejects(loadEndpoints(empty.root), /empty.endpoints\.ts/);
  empty.remove();
});
