import { type Caller, CapabilityError, type CapabilityErrorCode } from "../../../shared/capabilities/capability.ts";
import { createContext } from "../../../shared/capabilities/context.ts";
import { SCOPES, type Scope } from "../../../shared/capabilities/scopes.ts";
import { createService, type Service } from "../../../shared/service.ts";
import { ANN, createLines, type Output } from "./calls.mts";

/** A person who may do everything. */
const EVERYTHING: Caller = { ...ANN, scopes: new Set<string>(Object.keys(SCOPES) as Scope[]) };

/** A service with packs of its own choice. */
export interface OpenPacks {
  readonly service: Service;
  /** What it logged. */
  readonly lines: ReturnType<typeof createLines>["lines"];
  /** @param signal Of whoever asks, who may go away. */
  call(name: string, input?: unknown, signal?: AbortSignal): Promise<Output>;
  close(): Promise<void>;
}

/** @param clock Milliseconds since the epoch. */
export async function openPacks(env: Readonly<Record<string, string>>, clock: () => number = Date.now): Promise<OpenPacks> {
  const { log, lines } = createLines();
  const service = await createService({ env: { STATE_URL: "sqlite::memory:", LOG_LEVEL: "silent", ...env }, clock, log });
  return {
    service,
    lines,
    async call(name, input = {}, signal = new AbortController().signal) {
      const capability = service.registry.catalog.findCapability(name);
      if (!capability) throw new Error(`no capability ${name}`);
      return (await capability.call(input, createContext(service, EVERYTHING, { id: "request-1", signal }))).output;
    },
    async close() {
      service.stop();
      await service.close();
    },
  };
}

/** For `assert.rejects`: the code, and what the message says. */
export function failsSaying(code: CapabilityErrorCode, words: RegExp): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof CapabilityError)) throw error;
    if (error.code !== code || !words.test(error.message)) throw new Error(`${error.code}: ${error.message}`);
    return true;
  };
}
