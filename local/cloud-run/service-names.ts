import { createHash } from "node:crypto";
import { CloudRunError } from "./cloud-run-error.ts";

interface ServicePath {
  readonly project: string;
  readonly location: string;
  readonly service: string;
}

/** Errors: CloudRunError 400. */
function parseServiceName(name: string): ServicePath {
  const groups = /^projects\/(?<project>[^/]+)\/locations\/(?<location>[^/]+)\/services\/(?<service>[^/]+)$/.exec(
    name,
  )?.groups;
  const { project, location, service } = groups ?? {};
  if (project === undefined || location === undefined || service === undefined) {
    throw new CloudRunError(400, `'${name}' is not a service name of the form projects/P/locations/L/services/S.`);
  }
  // The longest that leaves room for the suffix of a revision's name.
  if (!/^[a-z](?:[a-z0-9-]{0,47}[a-z0-9])?$/.test(service)) {
    throw new CloudRunError(
      400,
      `Service name '${service}' is not allowed: lower-case letters, digits and -, beginning with a letter, not ending in -, at most 49 characters.`,
    );
  }
  return { project, location, service };
}

/** The last part, the service's own name. Errors: CloudRunError 400. */
export function shortName(name: string): string {
  return parseServiceName(name).service;
}

/** `https://SERVICE-NUMBER.REGION.run.app`; the project's number is made up of its name. */
export function serviceUri(name: string): string {
  const { project, location, service } = parseServiceName(name);
  return `https://${service}-${projectNumber(project)}.${location}.run.app`;
}

function projectNumber(project: string): string {
  const number = createHash("sha256").update(project).digest().readUIntBE(0, 6) % 900_000_000_000;
  return String(100_000_000_000 + number);
}

/** Changes with every change of the settings. */
export function serviceEtag(generation: number, settingsKey: string): string {
  return `"${Buffer.from(`${generation}/${settingsKey.slice(0, 16)}`).toString("base64url")}"`;
}
