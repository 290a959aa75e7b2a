import { type Audiences, createAudiences, type SurfaceName } from "../shared/bearer/audience.ts";
import type { Service } from "../shared/service.ts";
import type { Client } from "./clients/client.ts";
import { OAuthError } from "./oauth-error.ts";

export function audiencesOf({ config }: Service): Audiences {
  return createAudiences(config.publicUrl);
}

/**
 * The resource that a client's tokens are for (RFC 8707 §2); its first surface's when it names none. The string stays
 * byte for byte: it becomes the audience.
 * @throws {OAuthError} `invalid_target`.
 */
export function resourceOf(requested: string | undefined, { surfaces }: Client, service: Service): string {
  const audiences = service.part(audiencesOf);
  const resource = requested ?? audiences.standard(surfaces[0] as SurfaceName);
  const surface = audiences.surfaceOf(resource);
  if (surface === undefined) throw new OAuthError("invalid_target", "The resource is not one of this service's.");
  if (!surfaces.includes(surface)) throw new OAuthError("invalid_target", "The client may not have tokens for this resource.");
  return resource;
}
