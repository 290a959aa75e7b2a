import { randomInt } from "node:crypto";
import { rivalEnv, startPortico } from "../contenders.mts";
import { type NextRequest, wireOf } from "../load.mts";
import { CALL, legacy, modern } from "../mcp-requests.mts";
import { personOf } from "../production.mts";
import { always, compete, rateRatio, rowsOf } from "../rounds.mts";
import { atLeast, type Scenario } from "../scenario.mts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** How many characters of the signature are other ones each time: no two forgeries are alike. */
const CHANGED = 8;

/** The same request with another signature each time. @param token As it is in the request. */
function forgeries(wire: Buffer, token: string): NextRequest {
  const middle = wire.indexOf(token) + token.length - 100;
  return () => {
    const forged = Buffer.from(wire);
    for (let n = 0; n < CHANGED; n++) forged[middle + n] = DIGITS.charCodeAt(randomInt(DIGITS.length));
    return forged;
  };
}

export const forged: Scenario = {
  about: "tools/call with forged signatures, refused with 401: the SDKs with jose",
  async run(bench) {
    const { server, production } = await startPortico(bench);
    const token = production.token(personOf(0));
    const [now, then] = [modern(token, "tools/call", CALL), legacy(token, "tools/call", CALL)].map((request) =>
      always(forgeries(wireOf(request), token)),
    ) as [ReturnType<typeof always>, ReturnType<typeof always>];
    const env = rivalEnv(production);
    const options = { status: 401 };
    const measures = await compete(
      [
        { name: "Portico", server, prepare: now, options },
        { name: "SDK v1 stateless", server: await bench.start("rivals/sdk-v1-stateless.mts", env), prepare: then, options },
        { name: "SDK v2", server: await bench.start("rivals/sdk-v2.mts", env), prepare: now, options },
      ],
      bench,
    );
    return {
      tables: [{ name: "forged signatures", rows: rowsOf(measures) }],
      targets: [atLeast("forged signatures: Portico / SDK v1", rateRatio(measures, "Portico", "SDK v1 stateless"), 1.7)],
    };
  },
};
