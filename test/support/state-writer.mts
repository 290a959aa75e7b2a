import { writeSync } from "node:fs";
import { z } from "zod";
import { loadConfig } from "../../shared/config.ts";
import { createLog } from "../../shared/log.ts";
import { openState } from "../../shared/state/open.ts";

/**
 * `state-writer.mts STATE_URL COUNT`: makes records "0", "1", … and prints each one's id when it is written.
 * The lines are long, so that the pipe fills and the writer never gets far ahead of its reader.
 */
const [url = "", count = ""] = process.argv.slice(2);
const { store } = await openState(loadConfig({ STATE_URL: url }), { clock: Date.now, log: createLog("error", 2) });
const kind = { name: "written", codec: z.string() };
for (let index = 0; index < Number(count); index++) {
  if (await store.create(kind, { id: `${index}` }, `value ${index}`, null)) writeSync(1, `${`${index}`.padEnd(4095)}\n`);
}
await store.close();
