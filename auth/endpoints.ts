import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleAccount, handleAccountStep } from "./account/account.ts";
import { handleEndSession, handleEndSessionConfirmed, handleSignedOut } from "./account/end-session.ts";
import { handleAuthorize } from "./authorize/authorize.ts";
import { handleInteraction, handleInteractionStep } from "./authorize/interaction.ts";
import { handleUpstreamCallback } from "./authorize/upstream.ts";
import { handleRegistration } from "./clients/registration.ts";
import { handleKeys, handleMetadata, handleResourceMetadata, handleSuffixedMetadata } from "./discovery.ts";
import { handleSetup, handleSetupCustomGpt } from "./setup.ts";
import { formSurface, oauthSurface, pageSurface, registrationSurface } from "./surfaces.ts";
import { handleRevocation } from "./token/revocation.ts";
import { handleToken } from "./token/token.ts";
import { handleUserinfo } from "./token/userinfo.ts";

export const setup = api.raw({ expose: true, method: ["GET", "HEAD"], path: "/" }, serve(pageSurface, handleSetup));
export const setupCustomGpt = api.raw(
  { expose: true, method: "POST", path: "/setup/custom-gpt" },
  serve(formSurface, handleSetupCustomGpt),
);

export const authorize = api.raw({ expose: true, method: "*", path: "/oauth/authorize" }, serve(pageSurface, handleAuthorize));
export const interaction = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/oauth/interaction/:id" },
  serve(formSurface, handleInteraction),
);
export const interactionStep = api.raw(
  { expose: true, method: "POST", path: "/oauth/interaction/:id/:step" },
  serve(formSurface, handleInteractionStep),
);
/** Where upstream providers send browsers back to. */
export const upstreamCallback = api.raw(
  { expose: true, method: "*", path: "/oauth/callback/:provider" },
  serve(pageSurface, handleUpstreamCallback),
);

export const token = api.raw({ expose: true, method: "*", path: "/oauth/token" }, serve(oauthSurface, handleToken));
export const revocation = api.raw({ expose: true, method: "*", path: "/oauth/revoke" }, serve(oauthSurface, handleRevocation));
export const registration = api.raw({ expose: true, method: "*", path: "/oauth/register" }, serve(registrationSurface, handleRegistration));
export const userinfo = api.raw({ expose: true, method: "*", path: "/oauth/userinfo" }, serve(oauthSurface, handleUserinfo));

/** For clients that guess the endpoints at the origin instead of reading the metadata. */
export const authorizeAtRoot = api.raw({ expose: true, method: "*", path: "/authorize" }, serve(pageSurface, handleAuthorize));
export const tokenAtRoot = api.raw({ expose: true, method: "*", path: "/token" }, serve(oauthSurface, handleToken));
export const revocationAtRoot = api.raw({ expose: true, method: "*", path: "/revoke" }, serve(oauthSurface, handleRevocation));
export const registrationAtRoot = api.raw({ expose: true, method: "*", path: "/register" }, serve(registrationSurface, handleRegistration));

export const account = api.raw({ expose: true, method: ["GET", "HEAD"], path: "/account" }, serve(formSurface, handleAccount));
export const accountStep = api.raw({ expose: true, method: "POST", path: "/account/:step" }, serve(formSurface, handleAccountStep));
export const endSession = api.raw({ expose: true, method: "*", path: "/oauth/end_session" }, serve(pageSurface, handleEndSession));
export const endSessionConfirmed = api.raw(
  { expose: true, method: "POST", path: "/oauth/end_session/confirm" },
  serve(formSurface, handleEndSessionConfirmed),
);
export const signedOut = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/oauth/end_session/done" },
  serve(pageSurface, handleSignedOut),
);

export const keys = api.raw({ expose: true, method: ["GET", "HEAD"], path: "/.well-known/jwks.json" }, serve(oauthSurface, handleKeys));
export const serverMetadata = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/oauth-authorization-server" },
  serve(oauthSurface, handleMetadata),
);
export const serverMetadataAtPath = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/oauth-authorization-server/*path" },
  serve(oauthSurface, handleSuffixedMetadata),
);
export const providerMetadata = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/openid-configuration" },
  serve(oauthSurface, handleMetadata),
);
export const providerMetadataAtPath = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/openid-configuration/*path" },
  serve(oauthSurface, handleSuffixedMetadata),
);
export const resourceMetadata = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/oauth-protected-resource" },
  serve(oauthSurface, handleResourceMetadata),
);
export const resourceMetadataAtPath = api.raw(
  { expose: true, method: ["GET", "HEAD"], path: "/.well-known/oauth-protected-resource/*path" },
  serve(oauthSurface, handleResourceMetadata),
);
