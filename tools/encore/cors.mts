import type { IncomingHttpHeaders } from "node:http";
import type { GlobalCors } from "./app.mts";

/** What Encore allows and exposes beside the lists of `encore.app`. */
const ALWAYS_ALLOWED = [
  "accept",
  "authorization",
  "content-type",
  "origin",
  "user-agent",
  "x-correlation-id",
  "x-request-id",
  "x-requested-with",
];
const ALWAYS_EXPOSED = ["x-request-id", "x-correlation-id", "x-encore-trace-id"];

/** The request, as far as CORS looks at it. */
interface CorsRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

export interface Cors {
  /** The headers the gateway adds to the reply to this request, preflight or not. */
  headersFor(request: CorsRequest): Readonly<Record<string, string>>;
}

/**
 * Encore's reading of `global_cors`: a request with `authorization` or `cookie` (or a preflight that announces one) is
 * one with credentials and is measured by that list, every other by the list without credentials; the origin is echoed,
 * never `*`.
 *
 * @param moreOrigins Allowed with credentials beside those of `encore.app`.
 */
export function createCors(settings: GlobalCors, moreOrigins: readonly string[] = []): Cors {
  const withCredentials = originSet([...settings.allow_origins_with_credentials, ...moreOrigins]);
  const withoutCredentials = originSet(settings.allow_origins_without_credentials);
  const anyHeader = settings.allow_headers.includes("*");
  const allowed = [...settings.allow_headers.map((name) => name.toLowerCase()), ...ALWAYS_ALLOWED].join(",");
  const exposed = [...settings.expose_headers.map((name) => name.toLowerCase()), ...ALWAYS_EXPOSED].join(",");
  const common = {
    "access-control-allow-credentials": "true",
    vary: "origin, access-control-request-method, access-control-request-headers",
  };
  const withoutOrigin = { ...common, "access-control-expose-headers": exposed };

  return {
    headersFor({ method, headers }) {
      const { origin } = headers;
      if (origin === undefined && method !== "OPTIONS") return withoutOrigin;
      const credentials = hasCredentials(method, headers);
      const admitted = origin !== undefined && (credentials ? withCredentials : withoutCredentials)(origin);
      const base = admitted ? { ...common, "access-control-allow-origin": origin } : common;
      if (method !== "OPTIONS") return { ...base, "access-control-expose-headers": exposed };
      const asked = headers["access-control-request-method"];
      const allowHeaders = anyHeader ? headers["access-control-request-headers"] : allowed;
      return {
        ...base,
        ...(asked === undefined ? {} : { "access-control-allow-methods": asked }),
        ...(allowHeaders === undefined ? {} : { "access-control-allow-headers": allowHeaders }),
      };
    },
  };
}

function hasCredentials(method: string | undefined, headers: IncomingHttpHeaders): boolean {
  if (headers.authorization !== undefined || headers.cookie !== undefined) return true;
  if (method !== "OPTIONS") return false;
  // Browsers send these names in lower case (Fetch §4.8), and Encore looks for nothing else.
  const announced = headers["access-control-request-headers"]?.split(",").map((name) => name.trim()) ?? [];
  return announced.includes("authorization") || announced.includes("cookie");
}

/** A `*` inside an origin stands for at least one character. */
function originSet(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes("*")) return () => true;
  const exact = new Set(origins.filter((origin) => !origin.includes("*")));
  const patterns = origins.filter((origin) => origin.includes("*")).map((origin) => origin.split(/\*(.*)/s) as [string, string]);
  return (sent) => {
    const origin = sent.toLowerCase();
    if (exact.has(origin)) return true;
    return patterns.some(
      ([before, after]) => origin.length > before.length + after.length && origin.startsWith(before) && origin.endsWith(after),
    );
  };
}
