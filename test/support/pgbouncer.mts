import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, newServerFolder, spawnGuarded } from "./postgres.mts";

const PROGRAM = "/usr/sbin/pgbouncer";

/** Why there can be no pooler here; undefined where there can. */
export function whyNoPgbouncer(): string | undefined {
  return existsSync(PROGRAM) ? undefined : `there is no ${PROGRAM}: install Debian's package pgbouncer`;
}

export interface Pooler {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts PgBouncer in transaction mode, with fewer sessions on the server than a driver has connections. */
export async function startPgbouncer(serverPort: number): Promise<Pooler> {
  const [folder, port] = [newServerFolder(), await freePort()];
  const file = join(folder, "pgbouncer.ini");
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${serverPort} user=postgres`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "default_pool_size = 3",
    "server_login_retry = 1",
  ];
  writeFileSync(file, settings.join("\n"));
  const { log, end } = spawnGuarded(`kill -KILL $!; rm -rf "${folder}"`, `${PROGRAM} "${file}" &`);
  let text = "";
  await new Promise<void>((resolve, reject) => {
    log.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      if (text.includes("process up")) resolve();
      if (/FATAL|not found/.test(text)) reject(new Error(text));
    });
  }).catch(async (error: unknown) => {
    await end();
    throw error;
  });
  return { port, stop: end };
}
