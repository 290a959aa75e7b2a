import type { Exchange, Reply } from "../shared/http/exchange.ts";
import type { Service } from "../shared/service.ts";
import { requireMethod } from "./faults.ts";
import { createReadingPage } from "./reading-page.ts";

const PAGE = createReadingPage("h1{line-height:1.2}h2{margin-top:2rem;font-size:1.15rem}li{margin:.35rem 0}");

/** `/privacy`: what is stored about people. Stores ask for its address, and a public GPT cannot do without. */
export function handlePrivacy(exchange: Exchange, service: Service): Reply {
  requireMethod(exchange, ["GET", "HEAD"]);
  return { status: 200, headers: { ...PAGE.headers, "cache-control": "public, max-age=300" }, body: service.derived(renderPrivacy) };
}

/** How long a remembered consent is kept is not configurable; whoever changes it changes this page. */
function renderPrivacy({ registry, config }: Service): string {
  const { sessionAbsolute, transaction, refreshIdle, refreshAbsolute, deadGrant } = config.lifetimes;
  const offers = (name: string) => registry.catalog.findCapability(name) !== undefined;
  const outside = [
    ...(offers("get_weather") ? ["the place whose weather you ask for, to a weather service"] : []),
    ...(offers("search_web") ? ["what you have searched for on the web, to a search service"] : []),
  ];
  return PAGE.render(
    "Privacy · Portico",
    `<h1>Privacy</h1>
<p>Portico lets applications that you choose, such as ChatGPT or Claude, use this service in your name. This page says what it stores about you.</p>
<h2>What is stored</h2>
<ul>
<li><strong>Your account:</strong> a random id, and a hash of your sign-in address that finds the id again. They are kept until the operator deletes them.</li>
<li><strong>Your sign-ins:</strong> your e-mail address and, where your sign-in gives one, your name; at most ${inWords(sessionAbsolute)} for each sign-in. Sign-in codes are kept as hashes, for ${inWords(transaction)} at most. Where you sign in with a provider, an encrypted token with which we ask it whether you may still enter, until your last connection has ended.</li>
<li><strong>What you allowed:</strong> which application may do what, since when, and your e-mail address and name as they were then. It ends when it is revoked, ${inWords(refreshIdle)} after its last use, or after ${inWords(refreshAbsolute)}; its record is deleted at most ${inWords(deadGrant)} later. A consent you need not repeat is remembered for 180 days. Access and refresh tokens are kept as hashes or encrypted.</li>
${offers("create_todo") ? "<li><strong>Your to-dos:</strong> what you or your applications wrote, until you delete it.</li>\n" : ""}<li><strong>Answers for a second try:</strong> where an application asks for it, the answer of a call, encrypted, for 24 hours. Long work and its result are kept for ${inWords(config.mcp.taskTtl)}, unless the application ends them sooner.</li>
<li><strong>The log:</strong> for each request its time, path, outcome, and the ids of account and application. Where the operator has set up no mail server, for trying the service out, it also has the sign-in codes.</li>
</ul>
<h2>Who sees it</h2>
<p>The application you allow sees what its consent page named and what it asks for with that; what it does with it is its provider's own affair. The operator of this service can read the stored data and the log. Portico itself sells nothing, shows no advertisements, and sends your data to nobody else${outside.length === 0 ? "" : `, except ${outside.join(", and ")}, without your name`}.</p>
<h2>Cookies</h2>
<p>A few, all needed to sign in: they tie a sign-in to your browser, and keep you signed in.</p>
<h2>What you can do</h2>
<p>Disconnect applications on <a href="/account">your account page</a> or in their own settings, and ask whoever runs this service to revoke its access, to tell you what is stored, or to delete it.</p>`,
  );
}

const UNITS = [
  [24 * 60 * 60 * 1000, "day"],
  [60 * 60 * 1000, "hour"],
  [60 * 1000, "minute"],
  [1000, "second"],
] as const;

/** A duration in the largest unit that says it exactly. @param milliseconds Whole seconds. */
function inWords(milliseconds: number): string {
  const [length, name] = UNITS.find(([unit]) => milliseconds >= unit && milliseconds % unit === 0) ?? [1000, "second"];
  const count = milliseconds / length;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
