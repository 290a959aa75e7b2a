import { z } from "zod";
import type { Exchange, Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { type Kind, Unavailable } from "../shared/state/store.ts";
import { VERSION } from "../shared/version.ts";
import { requireMethod } from "./faults.ts";

/** No record has this kind: asking for one shows that the store answers. */
const probeKind: Kind<unknown> = { name: "health_probe", codec: z.unknown() };

/**
 * `/health`, for load balancers and people: 200 while the service and its store answer.
 * @throws {Unavailable} when the store does not, whatever the reason.
 */
export async function handleHealth(exchange: Exchange, { store }: Service): Promise<Reply> {
  requireMethod(exchange, ["GET", "HEAD"]);
  try {
    await store.get(probeKind, { id: "probe" });
  } catch (cause) {
    throw new Unavailable("the store does not answer", { cause });
  }
  const body = JSON.stringify({ status: "ok", version: VERSION });
  return { status: 200, headers: { "content-type": "application/json", "cache-control": "no-store" }, body };
}
