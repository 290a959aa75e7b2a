import { openPostgres } from "../../shared/state/postgres.ts";

/** `postgres-opener.mts URL`: opens the state database and closes it, as a replica that starts. */
const driver = await openPostgres(process.argv[2] ?? "");
await driver.close();
