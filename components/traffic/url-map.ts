import type { URLMapArgs } from "@pulumi/gcp/compute/urlmap.js";
import type { Input } from "@pulumi/pulumi";

/** Response header that names the platform that the balancer chose. */
export const sideHeader = "x-switchyard-side";
/** Request header that chooses the platform on the dark host. */
export const platformHeader = "x-switchyard-platform";

/**
 * What the program hands over to the swap engine after the map's creation: entries and weights, and the description,
 * where the engine keeps the fencing token of its last write. The whole array, because single weights are ignored by
 * position, and another backend shifts them.
 */
export const engineOwnedPaths = ["defaultRouteAction.weightedBackendServices", "description"] as const;

const darkMatcher = "dark";
const rehearsalMatcher = "rehearsal";

export interface PlatformTarget {
  readonly platform: string;
  /** Self link of its backend service. */
  readonly backendService: Input<string>;
}

export interface UrlMapSettings {
  readonly name: string;
  readonly project: string;
  /** Host of the header-matched route. */
  readonly darkHost: string;
  /** Host of the evenly spread route. */
  readonly rehearsalHost: string;
  /** At least one; the first one starts with all the traffic. */
  readonly targets: readonly [PlatformTarget, ...PlatformTarget[]];
}

/**
 * The map: the main host goes by weight, 100 to the first platform and 0 to the others at the start; the dark host goes
 * where the request's header says; the rehearsal host goes evenly to all platforms, so that a split can be tried that no
 * user sees. Both are hosts of their own because a host rule for the main domain would hide the weights. Every answer
 * carries the platform's name, without the agent's doing.
 */
export function urlMapArgs(settings: UrlMapSettings): URLMapArgs {
  const { targets } = settings;
  return {
    name: settings.name,
    project: settings.project,
    // In the old inputs from the start, so that ignoring it keeps what is there, whatever the provider reads back.
    description: "The weights and this text belong to Switchyard's swap engine. switchyard fence=0",
    defaultRouteAction: spread(targets, (index) => (index === 0 ? 100 : 0)),
    hostRules: [
      { hosts: [settings.darkHost], pathMatcher: darkMatcher },
      { hosts: [settings.rehearsalHost], pathMatcher: rehearsalMatcher },
    ],
    pathMatchers: [
      {
        name: darkMatcher,
        defaultService: targets[0].backendService,
        routeRules: targets.map((target, index) => ({
          priority: index + 1,
          service: target.backendService,
          matchRules: [
            { prefixMatch: "/", headerMatches: [{ headerName: platformHeader, exactMatch: target.platform }] },
          ],
          headerAction: stamp(target.platform),
        })),
      },
      { name: rehearsalMatcher, defaultRouteAction: spread(targets, () => 100) },
    ],
  };
}

/** The map behind port 80: the same address again, with https. */
export function redirectMapArgs(name: string, project: string): URLMapArgs {
  return {
    name,
    project,
    defaultUrlRedirect: {
      httpsRedirect: true,
      redirectResponseCode: "MOVED_PERMANENTLY_DEFAULT",
      stripQuery: false,
    },
  };
}

function spread(targets: readonly PlatformTarget[], weight: (index: number) => number) {
  return {
    weightedBackendServices: targets.map((target, index) => ({
      backendService: target.backendService,
      weight: weight(index),
      headerAction: stamp(target.platform),
    })),
  };
}

function stamp(platform: string) {
  return { responseHeadersToAdds: [{ headerName: sideHeader, headerValue: platform, replace: true }] };
}
