import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { Client } from "pg";

/** A PostgreSQL server of the test's own, with its data on the disk (fsync) and trust for whoever comes from this machine. */
export interface PostgresServer {
  readonly port: number;
  readonly folder: string;
  url(database: string, role?: string): string;
  /** Makes an empty database whose own order of text is not that of bytes, and returns its name. */
  createDatabase(): Promise<string>;
  /** Makes a standby of this server, which answers reads; it ends with this server. */
  startStandby(): Promise<{ readonly port: number; url(database: string): string }>;
  /** Ends the server without any goodbye, as a crash would, and starts it again. */
  crash(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends the server and removes all it left. */
  remove(): Promise<void>;
}

const LIBRARIES = "/usr/lib/postgresql";
/** The role and the operating system's user. */
const SUPERUSER = "postgres";

/** Why there can be no server here; undefined where there can, and in CI, where a missing one is to fail the tests. */
export function whyNoPostgres(): string | undefined {
  if (binaries() !== undefined || process.env["CI"]) return undefined;
  return `there is no PostgreSQL in ${LIBRARIES}: install Debian's package postgresql`;
}

/** The programs of the newest release that is installed. */
function binaries(): { readonly folder: string; readonly release: number } | undefined {
  const releases = existsSync(LIBRARIES) ? readdirSync(LIBRARIES).map(Number) : [];
  const [release] = releases.filter((each) => existsSync(join(LIBRARIES, `${each}`, "bin", "initdb"))).sort((a, b) => b - a);
  return release === undefined ? undefined : { folder: join(LIBRARIES, `${release}`, "bin"), release };
}

/** Settings of a child process that is not root, which PostgreSQL and PgBouncer refuse to run as. */
export function asServerUser(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, SUPERUSER], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** A new folder that belongs to {@link asServerUser}. */
export function newServerFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portico-postgres-"));
  const { uid, gid } = asServerUser();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

/**
 * Runs a shell script as {@link asServerUser} when this process ends, or when it is asked to.
 *
 * @param start Runs at once, with what it starts in the background.
 */
export function spawnGuarded(script: string, start = ""): { readonly log: Readable; end(): Promise<void> } {
  const child = spawn("/bin/sh", ["-c", `${start}\ncat >/dev/null\n${script}`], {
    ...asServerUser(),
    cwd: "/",
    // Out of reach of the terminal's signals.
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    log: child.stderr,
    async end() {
      child.stdin.end();
      await exited;
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const execute = promisify(execFile);

/** Starts a server on a free port; `settings` are those of postgresql.conf. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
  const found = binaries();
  if (!found) throw new Error(`there is no PostgreSQL in ${LIBRARIES}`);
  const { folder: programs, release } = found;
  const [folder, user] = [newServerFolder(), asServerUser()];
  const run = (program: string, ...args: string[]) => execute(join(programs, program), args, { ...user, cwd: folder });
  // Ends with the test's process, however that ends; what is left is then stopped and removed.
  const stop = `"${programs}/pg_ctl" stop -m immediate -D`;
  const guard = spawnGuarded(`for each in "${folder}"/*/postmaster.pid; do ${stop} "$(dirname "$each")"; done; rm -rf "${folder}"`);
  let standbys = 0;

  async function startIn(data: string, port: number): Promise<void> {
    const all = { listen_addresses: "127.0.0.1", port: `${port}`, unix_socket_directories: folder, ...settings };
    const options = Object.entries(all).map(([name, value]) => `-c ${name}=${value}`);
    await run("pg_ctl", "start", "-w", "-D", data, "-l", join(folder, "log"), "-o", options.join(" "));
  }

  const linguistic = release >= 15 ? ["--locale-provider=icu", "--icu-locale=en"] : [];
  const [data, port] = [join(folder, "data"), await freePort()];
  try {
    await run("initdb", "--no-sync", "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", ...linguistic);
    await startIn(data, port);
  } catch (error) {
    await guard.end();
    throw error;
  }

  const urlAt = (at: number, database: string, role: string) => `postgres://${role}@127.0.0.1:${at}/${database}`;
  const url = (database: string, role = SUPERUSER) => urlAt(port, database, role);
  return {
    port,
    folder,
    url,
    async createDatabase() {
      const name = `state_${randomBytes(6).toString("hex")}`;
      await query(url("postgres"), `CREATE DATABASE ${name}`);
      return name;
    },
    async startStandby() {
      const [copy, at] = [join(folder, `standby-${standbys++}`), await freePort()];
      await run("pg_basebackup", "-D", copy, "-R", "-c", "fast", "-h", "127.0.0.1", "-p", `${port}`, "-U", SUPERUSER);
      await startIn(copy, at);
      return { port: at, url: (database) => urlAt(at, database, SUPERUSER) };
    },
    crash: async () => {
      await run("pg_ctl", "restart", "-w", "-D", data, "-m", "immediate", "-l", join(folder, "log"));
    },
    stop: async () => {
      await run("pg_ctl", "stop", "-w", "-D", data, "-m", "fast");
    },
    start: () => startIn(data, port),
    remove: guard.end,
  };
}

/** Runs statements past the driver and returns the rows of the last. */
export async function query<R = Record<string, unknown>>(url: string, ...statements: string[]): Promise<R[]> {
  return withClient(url, async (run) => {
    let rows: R[] = [];
    for (const statement of statements) rows = (await run(statement)) as R[];
    return rows;
  });
}

/** Works on a connection of its own, past the driver. */
export async function withClient<T>(url: string, work: (run: (text: string) => Promise<unknown[]>) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(async (text) => (await client.query(text)).rows);
  } finally {
    await client.end();
  }
}
