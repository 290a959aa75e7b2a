import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";

/** Why tests in a browser are left out, or false. In CI they never are. */
export const NO_CHROMIUM =
  existsSync(executablePath) || process.env["CI"] ? false : `no Chromium at ${executablePath}; CHROMIUM_PATH names another`;

/** Without the background services that look for the Internet. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
