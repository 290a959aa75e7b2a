import { accountPage, type ConnectionView } from "../../../auth/pages/account.ts";
import type { ClientView, ScopeView } from "../../../auth/pages/client-view.ts";
import { codePage } from "../../../auth/pages/code.ts";
import { consentPage } from "../../../auth/pages/consent.ts";
import { endSessionPage } from "../../../auth/pages/end-session.ts";
import { errorPage } from "../../../auth/pages/error.ts";
import { messagePage } from "../../../auth/pages/message.ts";
import { type SetupView, setupPage } from "../../../auth/pages/setup.ts";
import { signInPage } from "../../../auth/pages/sign-in.ts";
import type { Reply } from "../../../shared/http/exchange.ts";

export const unverified: ClientView = {
  name: "ChatGPT",
  clientId: "https://chatgpt.com/oauth/client.json",
  redirectHost: "chatgpt.com",
  documentHost: "chatgpt.com",
  verified: false,
  loopbackOnly: false,
};
export const verified: ClientView = {
  name: "Team assistant",
  clientId: "gpt-team",
  redirectHost: "chat.openai.com",
  verified: true,
  loopbackOnly: false,
};
export const loopback: ClientView = {
  ...unverified,
  documentHost: undefined,
  name: "Claude Code",
  clientId: "c-7",
  redirectHost: "localhost:51234",
  loopbackOnly: true,
};

export const scopes: readonly ScopeView[] = [
  { scope: "openid", words: "know who you are", isNew: false },
  { scope: "email", words: "see your e-mail address", isNew: false },
  { scope: "todos:write", words: "add, change and delete your to-dos", isNew: true },
];

const callbacks = ["https://chat.openai.com/aip/g-0a1b2c/oauth/callback", "https://chatgpt.com/aip/g-0a1b2c/oauth/callback"];

export const setup: SetupView = setupAt("http://localhost:4000");
export const gptForm = { action: "/setup/gpt" };
const publicSetup = setupAt("https://portico.example");

function setupAt(publicUrl: string): SetupView {
  return {
    publicUrl,
    mcpUrl: `${publicUrl}/mcp`,
    openApiUrl: `${publicUrl}/actions/openapi.json`,
    authorizationUrl: `${publicUrl}/oauth/authorize`,
    tokenUrl: `${publicUrl}/oauth/token`,
    privacyUrl: `${publicUrl}/privacy`,
    scopes: ["openid", "profile", "email", "todos:read", "todos:write"],
  };
}

const long: ClientView = {
  ...unverified,
  name: "Extraordinarily long ".repeat(20),
  clientId: `https://${"client.".repeat(30)}example/a`,
  redirectHost: `${"deep.".repeat(30)}example`,
};
const connections: readonly ConnectionView[] = [unverified, verified, loopback, long].map((client, index) => ({
  clientId: client.clientId,
  client,
  scopes: scopes.slice(0, index + 1).map((scope) => ({ ...scope, isNew: false })),
  count: index + 1,
  firstUsedAt: Date.UTC(2026, 10, 3, 9, 5),
  lastIssuedAt: Date.UTC(2026, 10, 21 - index, 7, 45),
}));
const fault = "That code is not right. You have 3 more tries.";

/** Every page in each of its states. */
export const pages: Readonly<Record<string, Reply>> = {
  "sign-in": signInPage({
    client: unverified,
    scopes,
    action: "/oauth/sign-in",
    developmentHint: "Development: the next page shows the code, no mail is sent.",
  }),
  "sign-in with a fault": signInPage({
    client: loopback,
    scopes: [],
    action: "/oauth/sign-in",
    email: "ada@example",
    fault: "This is not an e-mail address.",
  }),
  code: codePage({
    client: unverified,
    action: "/oauth/code",
    email: "ada@example.com",
    restartAction: "/oauth/restart",
    developmentCode: "ABCD-2345",
  }),
  "code with a fault": codePage({
    client: verified,
    action: "/oauth/code",
    email: "ada@example.com",
    restartAction: "/oauth/restart",
    fault,
  }),
  consent: consentPage({
    client: unverified,
    scopes,
    account: "ada@example.com",
    action: "/a",
    shown: "proof",
    switchAction: "/s",
    surface: "mcp",
  }),
  "consent for a verified client": consentPage({
    client: verified,
    scopes,
    account: "ada@example.com",
    action: "/a",
    shown: "proof",
    switchAction: "/s",
    surface: "actions",
  }),
  "consent for a loopback client": consentPage({
    client: loopback,
    scopes,
    account: "ada@example.com",
    action: "/a",
    shown: "proof",
    switchAction: "/s",
    surface: "mcp",
  }),
  "consent for a client of long words": consentPage({
    client: long,
    scopes,
    account: `${"a".repeat(120)}@example.com`,
    action: "/a",
    shown: "proof",
    switchAction: "/s",
    surface: "mcp",
  }),
  "sign-in to one's own account": signInPage({ client: undefined, scopes: [], action: "/oauth/sign-in" }),
  "code for one's own account": codePage({
    client: undefined,
    action: "/oauth/code",
    email: "ada@example.com",
    restartAction: "/oauth/restart",
  }),
  account: accountPage({ account: "ada@example.com", connections, action: "/account", token: "proof", notice: "disconnected" }),
  "account without apps": accountPage({ account: "ada@example.com", connections: [], action: "/account", token: "proof" }),
  "sign-out": endSessionPage({
    account: "ada@example.com",
    action: "/out",
    fields: { token: "proof", state: undefined },
    redirectHost: "app.example",
  }),
  "signed out": messagePage({ title: "You are signed out", message: "Apps stay connected.", next: { path: "/account", words: "Go on" } }),
  "nothing left to do": messagePage({ title: "This is done", message: "You can close this window." }),
  error: errorPage({
    status: 400,
    title: "This sign-in has expired",
    message: "Go back to the app and connect again.",
    requestId: "req_01hx7",
  }),
  "error with a way back": errorPage({
    status: 400,
    title: "The app asked for something unknown",
    message: "The scope “calendar” does not exist here.",
    requestId: "req_01hx7",
    link: { href: "https://app.example/callback?error=invalid_scope", host: "app.example" },
  }),
  "setup on loopback": setupPage({ ...setup, gptForm }),
  "setup with a registered GPT": setupPage({
    ...setup,
    gptForm: { ...gptForm, registered: { clientId: "gpt-0a1b2c", clientSecret: "s3cr3t-Zm9vYmFyYmF6cXV4", callbacks } },
  }),
  "setup with a fault": setupPage({ ...setup, gptForm: { ...gptForm, fault: "This is not a callback URL of a GPT." } }),
  "setup in public": setupPage(publicSetup),
};
