import { api } from "encore.dev/api";
import { serve } from "../shared/http/serve.ts";
import { handleAuthorize } from "./authorize/authorize.ts";
import { handleInteraction, handleInteractionStep } from "./authorize/interaction.ts";
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

export const token = api.raw({ expose: true, method: "*", path: "/oauth/token" }, serve(oauthSurface, handleToken));
export const revocation = api.raw({ expose: true, method: "*", path: "/oauth/revoke" }, serve(oauthSurface, handleRevocation));
export const registration = api.raw({ expose: true, method: "*", path: "/oauth/register" }, serve(registrationSurface, handleRegistration));
export const userinfo = api.raw({ expose: true, method: "*", path: "/oauth/userinfo" }, serve(oauthSurface, handleUserinfo));

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
