import { authorizationUrl, DEVELOPMENT_CLIENT, pkce } from "../../support/oauth.mts";

const PROTECTED = { code_challenge: pkce().challenge, code_challenge_method: "S256" };

export interface Answer {
  readonly status: number;
  readonly html: string;
  /** Seconds to wait, where it says so. */
  readonly wait: number | undefined;
}

export interface Asked extends Answer {
  /** Types a code. */
  enter(code: string, from?: string): Promise<Answer>;
}

/** A browser behind a trusted proxy, so that its network address can be chosen. */
export interface Visitor {
  /** Begins a sign-in and asks for a code. */
  ask(email: string, from?: string): Promise<Asked>;
}

/** @param home The network address unless another is given. */
export function createVisitor(url: string, home = "203.0.113.7"): Visitor {
  const cookies = new Map<string, string>();

  async function send(target: URL, from: string, form?: Readonly<Record<string, string>>): Promise<Response> {
    const cookie = Array.from(cookies, (pair) => pair.join("=")).join("; ");
    const response = await fetch(target, {
      headers: { cookie, "x-forwarded-for": from },
      redirect: "manual",
      ...(form ? { method: "POST", body: new URLSearchParams(form) } : {}),
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    return response;
  }

  return {
    async ask(email, from = home) {
      const start = authorizationUrl(url, DEVELOPMENT_CLIENT, { ...PROTECTED, prompt: "login" });
      const location = (await send(start, from)).headers.get("location") ?? "";
      const asked = await answerOf(await send(new URL(`${location}/email`, url), from, { email }));
      return { ...asked, enter: async (code, at = from) => answerOf(await send(new URL(`${location}/code`, url), at, { code })) };
    },
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const wait = response.headers.get("retry-after");
  return { status: response.status, html: await response.text(), wait: wait === null ? undefined : Number(wait) };
}
