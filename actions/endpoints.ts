import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleDocument } from "./document.ts";
import { openSurface, operationSurface } from "./faults.ts";
import { handleHealth } from "./health.ts";
import { handleOperation } from "./operation.ts";
import { handlePrivacy } from "./privacy.ts";

/** Whether the service and its store answer. */
export const health = api.raw({ expose: true, method: "*", path: "/health" }, serve(openSurface, handleHealth));

/** What is stored about people. */
export const privacy = api.raw({ expose: true, method: "*", path: "/privacy" }, serve(operationSurface, handlePrivacy));

/** The OpenAPI document of all operations. */
export const openapi = api.raw({ expose: true, method: "*", path: "/actions/openapi.json" }, serve(operationSurface, handleDocument));

/** Every capability. */
export const operation = api.raw({ expose: true, method: "*", path: "/actions/:operation" }, serve(operationSurface, handleOperation));
