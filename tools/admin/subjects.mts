import { setTimeout as pause } from "node:timers/promises";
import { endGrant } from "../../auth/grants/grants.ts";
import { listGrants } from "../../auth/grants/limit-grants.ts";
import { changeLock } from "../../shared/bearer/locks.ts";
import type { Config } from "../../shared/config.ts";
import type { State } from "../../shared/state/open.ts";
import { type Lock, subjectStateKind } from "../../shared/state/records.ts";
import { type Call, CommandError, type Family, type Outcome } from "./command.mts";
import { requireState, withState } from "./connect.mts";
import { auditOperator } from "./operator.mts";
import { eraseRecords } from "./subjects-erasure.mts";
import { findSubjects, type Subject } from "./subjects-list.mts";

/** How long a replica may go on with what it has read of a subject, in milliseconds. */
const LIVENESS = 10_000;

export const subjects: Family = {
  about: "people, and machines (client:ID)",
  commands: {
    list: {
      about: "shows everyone who ever signed in",
      options: { email: { type: "string", about: "only those whose sign-ins or grants name this address" } },
      run: runList,
    },
    disable: { about: "keeps a subject out: tokens and sign-ins stop within ten seconds", parameters: ["SUBJECT"], run: runDisable },
    enable: { about: "lets a disabled subject in again", parameters: ["SUBJECT"], run: runEnable },
    "sign-out": { about: "ends every sign-in and every token of a subject that there is now", parameters: ["SUBJECT"], run: runSignOut },
    erase: {
      about: "deletes every record of a subject (account, sign-ins, grants, data); a lock without any stays for a while",
      parameters: ["SUBJECT"],
      run: runErase,
    },
  },
};

async function runList({ config, options }: Call): Promise<Outcome> {
  requireState(config);
  const { email } = options;
  const all = await withState(config, (state) => findSubjects(state, Date.now));
  const shown = typeof email === "string" ? all.filter(({ emails }) => emails.includes(email.toLowerCase())) : all;
  return { ok: true, lines: shown.length === 0 ? ["there are none"] : shown.map(lineOf), report: { subjects: shown } };
}

function lineOf({ subject, emails, disabled, grants, sessions }: Subject): string {
  return [subject, emails.join(", ") || "no address", disabled ? "disabled" : "enabled", `${grants} grants`, `${sessions} sign-ins`].join(
    "  ",
  );
}

function runDisable({ config, parameters: [subject = ""] }: Call): Promise<Outcome> {
  return lock(config, subject, "disabled", (known) => ({ ...known, disabled: true }));
}

function runEnable({ config, parameters: [subject = ""] }: Call): Promise<Outcome> {
  return lock(config, subject, "enabled", (known) => ({ ...known, disabled: false }));
}

async function runSignOut({ config, parameters: [subject = ""] }: Call): Promise<Outcome> {
  // What began in this very millisecond is cut off too.
  const outcome = await lock(config, subject, "signed out", (known) => ({ ...known, notBefore: Date.now() + 1 }));
  await withState(config, async ({ store }) => {
    const keeper = { config, store, clock: Date.now, bearer: { forget: () => {} } };
    for (const { id } of await listGrants({ store }, subject)) await endGrant(keeper, { subject, grantId: id }, "operator");
  });
  return outcome;
}

function lock(config: Config, subject: string, done: string, change: (known: Lock) => Lock): Promise<Outcome> {
  requireState(config);
  return withState(config, async (state) => {
    await requireSubject(state, subject);
    const { disabled } = await changeLock(state.store, subjectStateKind, subject, change);
    auditOperator(config, "subject_changed", { subject, reason: done });
    return { ok: true, lines: [`${subject} is ${done}, everywhere within 10 seconds`], report: { subject, disabled, done } };
  });
}

/** Locked out first, and looked through again once no replica can write for the subject any more. */
async function runErase({ config, parameters: [subject = ""] }: Call): Promise<Outcome> {
  requireState(config);
  return withState(config, async (state) => {
    await requireSubject(state, subject);
    const lockedUntil = Date.now() + config.lifetimes.accessToken;
    const keptOut = (known: Lock) => ({ ...known, disabled: true });
    await changeLock(state.store, subjectStateKind, subject, keptOut, lockedUntil);
    const { records } = await eraseRecords(state, subject, () => pause(LIVENESS), Date.now);
    auditOperator(config, "subject_changed", { subject, reason: "erased" });
    const count = Object.values(records).reduce((sum, n) => sum + n, 0);
    const kinds = Object.entries(records).map(([kind, n]) => `${n} ${kind}`);
    return {
      ok: true,
      lines: [`erased ${count} records of ${subject}: ${kinds.join(", ")}`],
      report: { subject, erased: count, kinds: records },
    };
  });
}

/** @throws {CommandError} for a subject that nothing is known of: most likely it is mistyped. */
async function requireSubject(state: State, subject: string): Promise<void> {
  const all = await findSubjects(state, Date.now);
  if (all.some((known) => known.subject === subject)) return;
  throw new CommandError(`there is no subject ${subject}; npm run admin -- subjects list shows all`);
}
