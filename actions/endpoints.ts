import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleDocument } from "./document.ts";
import { openSurface, operationSurface } from "./faults.ts";
import { handleHealth } from "./health.ts";
import { handleKnowledgePage } from "./knowledge-page.ts";
import { handleOperation } from "./operation.ts";
import { handlePrivacy } from "./privacy.ts";
import { handleTask } from "./tasks.ts";

/** Whether the service and its store answer. */
export const health = api.raw({ expose: true, method: "*", path: "/health" }, serve(openSurface, handleHealth));

/** What is stored about people. */
export const privacy = api.raw({ expose: true, method: "*", path: "/privacy" }, serve(operationSurface, handlePrivacy));

/** The pages that results of the document search lead to. */
export const knowledgePage = api.raw({ expose: true, method: "*", path: "/knowledge/*path" }, serve(operationSurface, handleKnowledgePage));

/** The OpenAPI document of all operations. */
export const openapi = api.raw({ expose: true, method: "*", path: "/actions/openapi.json" }, serve(operationSurface, handleDocument));

/** The same, where people look for it. */
export const openapiAlias = api.raw({ expose: true, method: "*", path: "/openapi.json" }, serve(operationSurface, handleDocument));

/** Slow work that goes on after its request. */
export const task = api.raw({ expose: true, method: "*", path: "/actions/tasks" }, serve(operationSurface, handleTask));

/** Every capability. */
export const operation = api.raw({ expose: true, method: "*", path: "/actions/:operation" }, serve(operationSurface, handleOperation));
