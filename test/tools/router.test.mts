import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../tools/encore/endpoints.mts";
import { createRouter } from "../../tools/encore/router.mts";

function endpoint(path: string, method: string | readonly string[] = "GET"): Endpoint {
  return { service: "books", name: path, options: { expose: true, method, path }, handler: () => {} };
}

const router = createRouter([
  endpoint("/"),
  endpoint("/books"),
  endpoint("/books/:id"),
  endpoint("/books/new"),
  endpoint("/books/:id/pages/:page", "*"),
  endpoint("/books/new/pages", "POST"),
  endpoint("/files"),
  endpoint("/files/*rest"),
  endpoint("/files/readme", ["PUT", "POST"]),
]);

function found(path: string, method = "GET"): string {
  const route = router.find(method, path);
  return "fault" in route ? route.fault : route.endpoint.name;
}

const ROUTES: readonly (readonly [path: string, endpoint: string])[] = [
  ["/", "/"],
  ["/books", "/books"],
  ["/books/7", "/books/:id"],
  ["/books/a%2Fb", "/books/:id"],
  ["/books/new", "/books/new"],
  ["/books/new/pages/3", "/books/:id/pages/:page"],
  ["/books/7/pages/3", "/books/:id/pages/:page"],
  ["/files/a/b", "/files/*rest"],
  ["/files/readme/b", "/files/*rest"],
  ["/Books", "endpoint not found"],
  ["/books/7/pages", "endpoint not found"],
  ["/books//pages/3", "endpoint not found"],
  ["//books", "endpoint not found"],
];
for (const [path, endpoint] of ROUTES) {
  test(`GET ${path} finds ${endpoint}`, () => assert.equal(found(path), endpoint));
}

test("a slash at the end makes no difference, except that a wildcard takes its folder", () => {
  assert.equal(found("/books/"), "/books");
  assert.equal(found("/books/7/"), "/books/:id");
  assert.equal(found("/files"), "/files");
  assert.equal(found("/files/"), "/files/*rest");
});

test("the path that matches first decides about the method", () => {
  assert.equal(found("/files/readme"), "no route for method");
  assert.equal(found("/files/readme", "PUT"), "/files/readme");
  assert.equal(found("/books/new/pages"), "no route for method");
});

test("HEAD is found only where it is declared, and * declares every method", () => {
  assert.equal(found("/books", "HEAD"), "no route for method");
  assert.equal(found("/books/7/pages/3", "HEAD"), "/books/:id/pages/:page");
  assert.equal(found("/books/7/pages/3", "DELETE"), "/books/:id/pages/:page");
});

test("two endpoints of one path and method are refused, of one path and two methods are not", () => {
  assert.throws(() => createRouter([endpoint("/a"), endpoint("/a", ["POST", "GET"])]), /GET \/a is declared by books\./);
  assert.throws(() => createRouter([endpoint("/a/:id"), endpoint("/a/:name", "*")]), /declared by/);
  createRouter([endpoint("/a"), endpoint("/a", "POST")]);
});
