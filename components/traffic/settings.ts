import { nearestName } from "../shared/nearest-name.ts";
import { checkDistinct, checkInteger, checkPattern, type Problem, type Range } from "../shared/validation.ts";
import type { BackendSettings } from "./backends/backend-plan.ts";
import { platformBackends } from "./backends/registry.ts";

/** What the balancer is made from; what each setting means stands at TrafficEdgeArgs. */
export interface TrafficSettings extends BackendSettings {
  readonly domain: string;
  readonly platforms: readonly string[];
}

/** Defaults and ranges. */
export const trafficRanges = {
  requestTimeoutSeconds: { default: 300, min: 1, max: 3600, unit: "s" },
  drainSeconds: { default: 300, min: 0, max: 3600, unit: "s" },
  maxRatePerEndpoint: { default: 100, min: 1, max: 100_000, unit: "requests/s" },
} as const satisfies Record<string, Range>;

// Two labels at least, each as RFC 1035 has it; room for "rehearsal." in the 253 characters of a name.
const domainPattern = /^(?=.{1,243}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

/** Host whose requests choose their platform by header, past the weights. */
export function darkHost(domain: string): string {
  return `dark.${domain}`;
}

/** Host whose requests go evenly to all platforms, past the weights: a split can be rehearsed there before users see one. */
export function rehearsalHost(domain: string): string {
  return `rehearsal.${domain}`;
}

/** All problems of the settings; empty when they are right. */
export function trafficSettingProblems(settings: TrafficSettings): Problem[] {
  return [
    ...checkPattern(
      "domain",
      settings.domain,
      domainPattern,
      "a host name in lower case, for example agent.example.com",
    ),
    ...checkDistinct("platforms", settings.platforms, 1),
    ...settings.platforms.flatMap((platform, index) => platformProblems(platform, index, settings)),
    ...checkInteger("requestTimeoutSeconds", settings.requestTimeoutSeconds, trafficRanges.requestTimeoutSeconds),
    ...checkInteger("drainSeconds", settings.drainSeconds, trafficRanges.drainSeconds),
    ...checkInteger("maxRatePerEndpoint", settings.maxRatePerEndpoint, trafficRanges.maxRatePerEndpoint),
  ];
}

function platformProblems(platform: string, index: number, settings: TrafficSettings): readonly Problem[] {
  const backend = platformBackends.get(platform);
  if (backend !== undefined) return backend.problems(settings);
  const known = [...platformBackends.keys()].toSorted();
  const nearest = nearestName(platform, known);
  const hint = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return [{ path: `platforms[${index}]`, value: platform, allowed: `${known.join(" or ")}${hint}` }];
}
