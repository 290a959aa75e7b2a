import { endGrant } from "../../auth/grants/grants.ts";
import type { State } from "../../shared/state/open.ts";
import { type Grant, grantKind } from "../../shared/state/records.ts";
import type { Scanned } from "../../shared/state/store.ts";
import { type Call, CommandError, type Family, type Outcome } from "./command.mts";
import { requireState, withState } from "./connect.mts";
import { auditOperator } from "./operator.mts";

export const grants: Family = {
  about: "what people allowed applications, and machines' own grants",
  commands: {
    list: {
      about: "shows the living grants",
      options: {
        subject: { type: "string", about: "only those of this person (sub) or machine (client:ID)" },
        client: { type: "string", about: "only those of this client" },
        all: { type: "boolean", about: "the dead ones too" },
      },
      run: runList,
    },
    revoke: { about: "ends a grant; its tokens are dead within ten seconds", parameters: ["GRANT"], run: runRevoke },
  },
};

type Found = Scanned<Grant>;

async function runList({ config, options }: Call): Promise<Outcome> {
  requireState(config);
  const { subject, client, all } = options;
  const found = await withState(config, (state) =>
    find(
      state,
      ({ owner, value }) =>
        (all === true || value.state === "active") &&
        (subject === undefined || owner === subject) &&
        (client === undefined || value.clientId === client),
    ),
  );
  const rows = found.map(described);
  return {
    ok: true,
    lines:
      rows.length === 0
        ? ["there are none"]
        : rows.map(
            ({ grant, subject: sub, client: id, state, scopes, last_issued }) =>
              `${grant}  ${state}  ${sub}  ${id}  ${scopes.join(" ")}  last issued ${last_issued ?? "never"}`,
          ),
    report: { grants: rows },
  };
}

async function runRevoke({ config, parameters: [id = ""] }: Call): Promise<Outcome> {
  requireState(config);
  return withState(config, async (state) => {
    const [found] = await find(state, (grant) => grant.id === id);
    if (found?.owner === undefined) throw new CommandError(`there is no grant ${id}; npm run admin -- grants list shows all`);
    const keeper = { config, store: state.store, clock: Date.now, bearer: { forget: () => {} } };
    const subject = found.owner;
    const revoked = await endGrant(keeper, { subject, grantId: id }, "operator");
    if (revoked) auditOperator(config, "revoke", { client: found.value.clientId, subject, grant: id, reason: "operator" });
    return {
      ok: true,
      lines: [revoked ? `revoked ${id}; its tokens are dead within 10 seconds` : `${id} was dead already`],
      report: { grant: id, revoked },
    };
  });
}

async function find({ store }: State, wanted: (grant: Found) => boolean): Promise<readonly Found[]> {
  const found: Found[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.scan(grantKind, cursor);
    found.push(...page.entries.filter(wanted));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

function described({ id, owner, value }: Found) {
  const { clientId, state, scopes, resource, createdAt, lastIssuedAt, diedOf } = value;
  return {
    grant: id,
    subject: owner,
    client: clientId,
    state,
    scopes,
    resource,
    created: new Date(createdAt).toISOString(),
    ...(lastIssuedAt === undefined ? {} : { last_issued: new Date(lastIssuedAt).toISOString() }),
    ...(diedOf === undefined ? {} : { died_of: diedOf }),
  };
}
