import { z } from "zod";
import { loadConfig } from "../../../shared/config.ts";
import { createLog } from "../../../shared/log.ts";
import { openFeed } from "../../../shared/state/feed.ts";
import { openState } from "../../../shared/state/open.ts";

/** `feed-publisher.mts STATE_URL NAME COUNT`: publishes NAME-0, NAME-1 … to the feed "shared" and prints their positions. */
const [url = "", name = "", count = ""] = process.argv.slice(2);
const { store } = await openState(loadConfig({ STATE_URL: url }), { clock: Date.now, log: createLog("error", 2) });
const feed = openFeed({ store, clock: Date.now }, { name: "shared", codec: z.string(), most: 1000, maxAge: 600_000 });
const positions: number[] = [];
for (let index = 0; index < Number(count); index++) positions.push(await feed.publish(`${name}-${index}`));
await store.close();
process.stdout.write(JSON.stringify(positions));
