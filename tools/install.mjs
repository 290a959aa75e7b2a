// Installs what package-lock.json names, if that has not been done. Runs before everything is there, on any Node from 20 on.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** @param {string} path */
function changedAt(path) {
  return statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (changedAt("node_modules/.package-lock.json") < changedAt("package-lock.json")) {
  process.stderr.write("Installing dependencies …\n");
  const npm = process.env["npm_execpath"];
  // The development dependencies hold the Node that runs the service, so they are wanted in production too.
  const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const options = /** @type {const} */ ({ cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const { status } = npm ? spawnSync(process.execPath, [npm, ...args], options) : spawnSync("npm", args, { ...options, shell: true });
  if (status !== 0) process.exit(status ?? 1);
}
