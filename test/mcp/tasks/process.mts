import { setImmediate as turn } from "node:timers/promises";
import { endlessWork, openReplica } from "./replica.mts";

/** A process of the service with one task under way: prints its id. `node process.mts STATE_URL`. */
const { service, begin } = await openReplica({ after: () => undefined }, { stateUrl: process.argv[2] ?? "" });
const { work, started } = endlessWork();
const { taskId } = await begin(work);
await started;
const alive = setInterval(() => undefined, 60_000);
process.once("SIGTERM", async () => {
  clearInterval(alive);
  service.stop();
  // A host closes its connections between the two.
  await turn();
  await service.close();
});
process.stdout.write(`${taskId}\n`);
