import { createHash, randomBytes } from "node:crypto";
import { createPerson } from "../person.mts";

const REDIRECT_URI = "http://127.0.0.1:5555/callback";

/** An access token for /mcp, had as any client has it. */
export async function signIn(url: string, email = "bench@example.com"): Promise<string> {
  const verifier = randomBytes(32).toString("base64url");
  const request = new URLSearchParams({
    response_type: "code",
    client_id: "portico-development",
    redirect_uri: REDIRECT_URI,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const answer = await createPerson(email).authorize(`${url}/oauth/authorize?${request}`);
  const reply = await fetch(`${url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: "portico-development",
      redirect_uri: REDIRECT_URI,
      code: answer.searchParams.get("code") ?? "",
      code_verifier: verifier,
    }),
  });
  if (!reply.ok) throw new Error(`no token: ${await reply.text()}`);
  return ((await reply.json()) as { access_token: string }).access_token;
}
