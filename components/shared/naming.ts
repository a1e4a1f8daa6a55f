import { createHash } from "node:crypto";

/**
 * Longest name per kind of object, in characters.
 * Sources: compute and Certificate Manager RFC 1035 label 63; service account id 6-30 (IAM); GKE cluster 40;
 * Cloud Run service "less than 50"; Kubernetes DNS label 63 (RFC 1123); IAM role of AWS 64.
 */
export const nameLimits = {
  compute: 63,
  certificate: 63,
  kubernetes: 63,
  cloudRunService: 49,
  cluster: 40,
  serviceAccount: 30,
  iamRole: 64,
} as const;

export type NamedKind = keyof typeof nameLimits;

/** The longest prefix: with it every name that another program has to know stays whole. */
export const prefixMaxLength = 20;

/** What a prefix looks like: an RFC 1035 label that leaves room for what follows it. */
export const prefixPattern = new RegExp(`^[a-z](?:[a-z0-9-]{0,${prefixMaxLength - 2}}[a-z0-9])?$`);

/** The same in words. */
export const prefixForm = `1 to ${prefixMaxLength} lower-case letters, digits and hyphens, a letter first, no hyphen last`;

const label = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/;
const hashLength = 7;

/**
 * A physical name: the parts joined by hyphens. One that is too long for its kind is cut and ends in seven
 * hexadecimal digits of its SHA-256, so equal parts always give the same name and unequal ones do not collide.
 * Errors: RangeError when the parts do not make a label of lower-case letters, digits and hyphens.
 */
export function resourceName(kind: NamedKind, ...parts: readonly string[]): string {
  const whole = parts.join("-");
  if (!label.test(whole)) {
    throw new RangeError(
      `"${whole}" is no name for ${kind}: lower-case letters, digits and hyphens, a letter first, no hyphen last`,
    );
  }
  const limit = nameLimits[kind];
  if (whole.length <= limit) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, hashLength);
  return `${whole.slice(0, limit - hashLength - 1).replace(/-+$/, "")}-${hash}`;
}

/** Name of a platform's backend service, of its endpoint groups and of what belongs to them: `<prefix>-<platform>`. */
export function platformName(prefix: string, platform: string): string {
  return resourceName("compute", prefix, platform);
}

/** Name of the network that the GKE platform makes and the balancer's firewall rule opens. */
export function networkName(prefix: string): string {
  return resourceName("compute", prefix, "network");
}

/** Network tag of the GKE nodes, the target of the balancer's firewall rule. */
export function nodeTag(prefix: string): string {
  return resourceName("compute", prefix, "gke", "node");
}

/** Name of the URL map that carries the weights. */
export function urlMapName(prefix: string): string {
  return resourceName("compute", prefix);
}
