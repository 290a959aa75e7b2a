import type { Caller, CapabilityErrorCode } from "../../../shared/capabilities/capability.ts";
import { CapabilityError } from "../../../shared/capabilities/capability.ts";
import { createContext } from "../../../shared/capabilities/context.ts";
import type { Log } from "../../../shared/log.ts";
import { createService, type Service } from "../../../shared/service.ts";
import { createClock, type TestClock } from "../../support/clock.mts";

export const ANN: Caller = {
  subject: "ann",
  clientId: "a-client",
  scopes: new Set(["openid", "profile", "email", "todos:read", "todos:write"]),
  grantId: "a-grant",
  audience: "http://localhost:4000/actions",
  issuedAt: 1_800_000_000,
  expiresAt: 1_800_003_600,
  authTime: 1_799_999_000,
  profile: { email: "ann@example.com", emailVerified: true, name: "Ann" },
};
export const BEN: Caller = { ...ANN, subject: "ben" };

/** What came of a call: capabilities are called here as adapters call them. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever came.
export type Output = any;

export interface Calls {
  readonly service: Service;
  readonly clock: TestClock;
  /** Calls a capability of the registry. */
  call(name: string, input?: unknown, caller?: Caller): Promise<Output>;
}

/** A service with state in memory. @param env Variables beside. */
export async function openCalls(env: Readonly<Record<string, string>> = {}): Promise<Calls> {
  const clock = createClock();
  const service = await createService({ env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", ...env }, clock });
  return {
    service,
    clock,
    async call(name, input, caller = ANN) {
      const capability = service.registry.catalog.findCapability(name);
      if (!capability) throw new Error(`no capability ${name}`);
      return (await capability.call(input, createContext(service, caller, origin()))).output;
    },
  };
}

export function origin() {
  return { id: "request-1", signal: new AbortController().signal };
}

/** For `assert.rejects`. */
export function failsWith(code: CapabilityErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof CapabilityError && error.code === code;
}

interface Line {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines. */
export function createLines(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const loggerOf = (own: object): Log => {
    const write = (fields: object, message: string) => void lines.push({ fields: { ...own, ...fields }, message });
    return { debug: write, info: write, warn: write, error: write, child: (fields) => loggerOf({ ...own, ...fields }) };
  };
  return { log: loggerOf({}), lines };
}
