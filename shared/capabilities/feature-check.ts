import { NAME } from "./capability.ts";
import type { Annotations } from "./content.ts";
import type { PromptDefinition, ResourceDefinition, ResourceTemplateDefinition } from "./features.ts";
import { scopeFaults } from "./scopes.ts";
import { parseUriTemplate } from "./uri-template.ts";

/** RFC 3986 §4.3, with a fragment where the author wants one. */
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;

/** All that is wrong with a resource. */
export function resourceFaults(definition: ResourceDefinition): string[] {
  const { uri, size } = definition;
  const place = `the resource ${uri}`;
  const faults = describedFaults(place, definition);
  if (!ABSOLUTE.test(uri) || !URL.canParse(uri)) faults.push(`${place}: is not an absolute address; begin with a scheme, such as notes://`);
  if (size !== undefined && !(Number.isInteger(size) && size >= 0)) faults.push(`${place}.size: is not a number of bytes; leave it out`);
  return faults;
}

/** All that is wrong with a resource template. */
export function templateFaults(definition: ResourceTemplateDefinition): string[] {
  const { uriTemplate, complete = {} } = definition;
  const place = `the template ${uriTemplate}`;
  const faults = describedFaults(place, definition);
  try {
    const { variables } = parseUriTemplate(uriTemplate);
    const strangers = Object.keys(complete).filter((name) => !variables.includes(name));
    return [
      ...faults,
      ...strangers.map((name) => `${place}.complete.${name}: is not a variable of it; name one of ${variables.join(", ")}`),
    ];
  } catch (error) {
    return [...faults, `${place}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** All that is wrong with a prompt. */
export function promptFaults({ name, description, scopes, arguments: given = {} }: PromptDefinition): string[] {
  const place = `the prompt ${name}`;
  const faults: string[] = [];
  if (!NAME.test(name)) faults.push(`${place}: the name does not match ${NAME.source}; use lower case letters, digits and _`);
  if (description.trim() === "") faults.push(`${place}.description: is empty; say what it is for`);
  const bare = Object.entries(given).filter(([, argument]) => argument.description.trim() === "");
  return [
    ...faults,
    ...scopeFaults(place, scopes),
    ...bare.map(([argument]) => `${place}.arguments.${argument}: has no description; say what to fill in`),
  ];
}

function describedFaults(
  place: string,
  { name, annotations, scopes }: Pick<ResourceDefinition, "name" | "annotations" | "scopes">,
): string[] {
  const faults = name.trim() === "" ? [`${place}.name: is empty; give it one`] : [];
  return [...faults, ...annotationFaults(place, annotations), ...scopeFaults(place, scopes)];
}

function annotationFaults(place: string, { priority = 0, lastModified }: Annotations = {}): string[] {
  const faults: string[] = [];
  if (!(priority >= 0 && priority <= 1)) faults.push(`${place}.annotations.priority: is not from 0 to 1; mend it`);
  if (lastModified !== undefined && Number.isNaN(Date.parse(lastModified))) {
    faults.push(`${place}.annotations.lastModified: is not a time of ISO 8601; mend it`);
  }
  return faults;
}
