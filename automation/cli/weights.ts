/** Weights as they are typed: `cloud-run=95 gke=5`. */
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { Weights } from "../ports/traffic-router.ts";

/**
 * Pure: the weights of all entries; one that is not named gets 0. Errors: usage-error, unknown-platform,
 * traffic-weights-invalid (out of range, more than one decimal, a sum other than 100, no entry at the balancer).
 */
export function parseWeights(
  given: readonly string[],
  platforms: readonly string[],
  entries: readonly string[],
): Weights {
  const shares = new Map<string, number>();
  for (const text of given) {
    const { platform, share } = parseShare(text);
    if (!platforms.includes(platform)) {
      throw new SwitchyardError("unknown-platform", {
        message: `There is no platform ${platform}; known: ${platforms.join(", ")}${nearest(platform, platforms)}`,
      });
    }
    if (shares.has(platform)) throw invalid(`${platform} is given twice`);
    if (!entries.includes(platform)) {
      throw new SwitchyardError("traffic-weights-invalid", {
        message: `The balancer has no entry for ${platform} (it has ${entries.join(", ") || "none"}), so that it cannot get requests`,
        next: `To bring it up and give it an entry:   npx switchyard swap start --to ${platform}`,
      });
    }
    shares.set(platform, share);
  }
  // In tenths, which add up exactly.
  const sum = [...shares.values()].reduce((total, share) => total + Math.round(share * 10), 0) / 10;
  if (sum !== 100) throw invalid(`the shares add up to ${sum}, not to 100`);
  return Object.fromEntries(entries.map((platform) => [platform, shares.get(platform) ?? 0]));
}

function parseShare(text: string): { readonly platform: string; readonly share: number } {
  const [, platform, number] = /^([^=]+)=([^=]*?)%?$/.exec(text) ?? [];
  if (platform === undefined || number === undefined) {
    throw new SwitchyardError("usage-error", {
      message: `${JSON.stringify(text)} is no weight; it has the form <platform>=<percent>`,
      next: example,
    });
  }
  if (!/^\d{1,3}(\.\d)?$/.test(number) || Number(number) > 100)
    throw invalid(`${text}: a share is a number from 0 to 100 with at most one decimal`);
  return { platform, share: Number(number) };
}

const example = "For example:   npx switchyard traffic set cloud-run=95 gke=5";

function invalid(what: string): SwitchyardError {
  return new SwitchyardError("traffic-weights-invalid", {
    message: `The weights cannot be set: ${what}`,
    next: example,
  });
}

/** `cloud-run=95 gke=5`, as one types them. */
export function weightArguments(weights: Weights): string {
  return Object.entries(weights)
    .map(([platform, share]) => `${platform}=${share}`)
    .join(" ");
}
