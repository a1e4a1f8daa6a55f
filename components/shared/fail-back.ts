import { checkPattern, type Problem } from "./validation.ts";

/**
 * How the agent's front hands requests back to another platform when it is told to: faster than the balancer follows its
 * weights. The instances ask for the flag four times a second; without it they never hand a request back.
 */
export interface FailBackArgs {
  /** The flag, an HTTP resource that the instances can read without a token: `{"target":"<platform>"}` or `{}`. */
  readonly url: string;
  /** The balancer's address as the instances reach it; GKE's network policy lets them out to port 443 only. */
  readonly routeUrl: string;
  /** Host of the balancer's dark route, on which a header chooses the platform. */
  readonly routeHost: string;
}

const address = /^https?:\/\/[^\s/]+/;
const hostName = /^[a-z0-9.:-]+$/;

/** All problems; empty when they are right or absent. `path` names an arg. */
export function failBackProblems(
  args: FailBackArgs | undefined,
  path = (name: keyof FailBackArgs): string => `failBack.${name}`,
): Problem[] {
  if (args === undefined) return [];
  const example = "a URL with http or https";
  return [
    ...checkPattern(path("url"), args.url, address, example),
    ...checkPattern(path("routeUrl"), args.routeUrl, address, example),
    ...checkPattern(path("routeHost"), args.routeHost, hostName, "a host name, for example dark.agent.example.com"),
  ];
}

/** The variables by which the agent learns of it. */
export function failBackEnvironment(args: FailBackArgs | undefined): Readonly<Record<string, string>> {
  if (args === undefined) return {};
  return {
    KIRO_FAIL_BACK_URL: args.url,
    KIRO_FAIL_BACK_ROUTE_URL: args.routeUrl,
    KIRO_FAIL_BACK_ROUTE_HOST: args.routeHost,
  };
}
