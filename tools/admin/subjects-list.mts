import { z } from "zod";
import type { State } from "../../shared/state/open.ts";
import { grantKind, subjectStateKind } from "../../shared/state/records.ts";

/** What the store knows of a subject, as an operator sees it. */
export interface Subject {
  readonly subject: string;
  /** Those that living sign-ins and grants name. */
  readonly emails: readonly string[];
  readonly disabled: boolean;
  /** Living ones. */
  readonly grants: number;
  readonly sessions: number;
}

const PAGE = 500;

/** The kinds that say who there is, and what each is read for. */
const identity = z.looseObject({ sub: z.string() });
const session = z.looseObject({ sub: z.string(), email: z.string().optional() });

/** Everyone whom an identity, a sign-in, a grant or a lock names. */
export async function findSubjects({ driver }: Pick<State, "driver">, now: () => number): Promise<readonly Subject[]> {
  const found = new Map<string, { emails: Set<string>; disabled: boolean; grants: number; sessions: number }>();
  const of = (subject: string) => {
    const known = found.get(subject) ?? { emails: new Set(), disabled: false, grants: 0, sessions: 0 };
    found.set(subject, known);
    return known;
  };
  let cursor: string | undefined;
  do {
    const page = await driver.dump(cursor, PAGE, now());
    for (const { kind, owner, id, value } of page.rows) {
      if (kind === "identity") of(identity.parse(JSON.parse(value)).sub);
      if (kind === "session") {
        const { sub, email } = session.parse(JSON.parse(value));
        const subject = of(sub);
        subject.sessions += 1;
        if (email !== undefined) subject.emails.add(email);
      }
      if (kind === grantKind.name) {
        const { state, profile } = grantKind.codec.parse(JSON.parse(value));
        const subject = of(owner);
        if (state === "active") subject.grants += 1;
        if (profile?.email !== undefined) subject.emails.add(profile.email);
      }
      if (kind === subjectStateKind.name) of(id).disabled = subjectStateKind.codec.parse(JSON.parse(value)).disabled;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return [...found].map(([subject, { emails, ...rest }]) => ({ subject, emails: [...emails], ...rest }));
}
