import type { ScannedResource } from "./finding.ts";

/**
 * The type as the rules call it: `apiVersion/Kind` for Kubernetes (kubernetes:apps/v1:StatefulSet is apps/v1/StatefulSet,
 * kubernetes:core/v1:Pod is v1/Pod), the token itself for other providers.
 */
export function typeOfPulumi(token: string): string {
  const [, apiVersion, kind] = /^kubernetes:([^:]+):([^:]+)$/.exec(token) ?? [];
  if (apiVersion === undefined || kind === undefined) return token;
  return `${apiVersion.replace(/^core\//, "")}/${kind}`;
}

/** A resource of a Pulumi program. Values that are not known must be `unknownValue` in the inputs. */
export function resourceOfPulumi(
  token: string,
  name: string,
  inputs: Readonly<Record<string, unknown>>,
  where: string,
): ScannedResource {
  return { type: typeOfPulumi(token), name, object: inputs, where };
}
