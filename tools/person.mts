/**
 * A person with a browser, over HTTP: keeps cookies, follows redirects, reads pages and posts their forms. For tests and
 * benchmarks, which need someone to sign in; it reads the code that development shows on loopback pages.
 */
export interface Person {
  /** Opens an address and reads what it says, without going on. */
  open(url: string | URL): Promise<OpenPage>;
  /** Posts a form of a page. `fields` adds to what the page filled in. */
  submit(page: OpenPage, action: RegExp, fields?: Readonly<Record<string, string>>): Promise<OpenPage>;
  /** Signs in if asked, answers the consent page, and returns the address the client is sent to. */
  authorize(authorizationUrl: string | URL, decision?: "allow" | "deny"): Promise<URL>;
  /** The cookies for an origin, as a header. */
  cookies(url: string | URL): string;
}

export interface OpenPage {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
  /** Where it leads outside the service: a client's redirect URI. */
  readonly leaves?: URL;
}

const MAX_HOPS = 10;
const MAX_PAGES = 6;

export function createPerson(email: string): Person {
  const jars = new Map<string, Map<string, string>>();

  function cookies(url: string | URL): string {
    return [...(jars.get(new URL(url).host) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  function keepCookies(url: URL, headers: Headers): void {
    const jar = jars.get(url.host) ?? new Map<string, string>();
    jars.set(url.host, jar);
    for (const cookie of headers.getSetCookie()) {
      const [pair = "", ...attributes] = cookie.split("; ");
      const name = pair.slice(0, pair.indexOf("="));
      if (attributes.includes("Max-Age=0")) jar.delete(name);
      else jar.set(name, pair.slice(name.length + 1));
    }
  }

  async function go(start: URL, init: RequestInit = {}): Promise<OpenPage> {
    let url = start;
    let request = init;
    for (let hop = 0; hop < MAX_HOPS; hop++) {
      const response = await fetch(url, {
        ...request,
        redirect: "manual",
        headers: { ...(request.headers as object), cookie: cookies(url) },
      });
      keepCookies(url, response.headers);
      const location = response.headers.get("location");
      if (location === null) return { url, status: response.status, headers: response.headers, html: await response.text() };
      await response.body?.cancel();
      const next = new URL(location, url);
      if (next.origin !== url.origin) return { url, status: response.status, headers: response.headers, html: "", leaves: next };
      url = next;
      request = {};
    }
    throw new Error(`too many redirects from ${start}`);
  }

  const open = (url: string | URL) => go(new URL(url));

  function submit(page: OpenPage, action: RegExp, fields: Readonly<Record<string, string>> = {}): Promise<OpenPage> {
    const form = formsOf(page.html).find((candidate) => action.test(candidate.action));
    if (!form) throw new Error(`${page.url.pathname} (${page.status}) has no form for ${action}: ${page.html.slice(0, 2000)}`);
    return go(new URL(form.action, page.url), {
      method: "POST",
      body: new URLSearchParams({ ...form.fields, ...fields }),
      headers: { origin: page.url.origin },
    });
  }

  async function authorize(authorizationUrl: string | URL, decision: "allow" | "deny" = "allow"): Promise<URL> {
    let page = await open(authorizationUrl);
    for (let count = 0; count < MAX_PAGES; count++) {
      if (page.leaves) return page.leaves;
      const actions = formsOf(page.html).map((form) => form.action);
      if (actions.some((action) => action.endsWith("/consent"))) page = await submit(page, /\/consent$/, { decision });
      else if (actions.some((action) => action.endsWith("/code"))) page = await submit(page, /\/code$/, { code: shownCode(page) });
      else page = await submit(page, /\/email$/, { email });
    }
    throw new Error(`the pages led nowhere: ${page.url.pathname} ${page.status}`);
  }

  return { open, submit, authorize, cookies };
}

/** The code that development shows on the page. */
export function shownCode(page: OpenPage): string {
  const code = /id="development-code"[^>]*>([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4})</.exec(page.html)?.[1];
  if (!code) throw new Error(`no code is shown on ${page.url.pathname} (${page.status})`);
  return code;
}

interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, attributes = "", inside = ""]) => ({
    action: attributeOf(attributes, "action") ?? "",
    fields: Object.fromEntries(
      [...inside.matchAll(/<input\b([^>]*)>/g)].map(
        ([, input = ""]) => [attributeOf(input, "name") ?? "", attributeOf(input, "value") ?? ""] as const,
      ),
    ),
  }));
}

function attributeOf(attributes: string, name: string): string | undefined {
  const value = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1];
  return value?.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
