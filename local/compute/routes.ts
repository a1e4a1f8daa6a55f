import type { Backend } from "../router/backend.ts";
import type { RouteRequest, RoutingTable, Selection } from "../router/routing-table.ts";
import { redirectOf } from "./redirect.ts";
import { matcherOf, type RequestMatcher } from "./request-match.ts";
import type { HeaderAction, PathMatcher, RouteAction, UrlMapContent, UrlRedirect } from "./url-map-schema.ts";

/** The response header whose value names the platform that was chosen. */
export const sideHeader = "x-switchyard-side";

export interface RouteLookups {
  /** The data path of a backend service, by its link; undefined when it is gone. */
  backend(reference: string): Backend | undefined;
  /** The scheme that the listener stands for. */
  readonly scheme: "http" | "https";
}

type Pick = (request: RouteRequest, random: number) => Selection;

interface TargetSpec {
  readonly service: string | undefined;
  readonly routeAction: RouteAction | undefined;
  readonly urlRedirect: UrlRedirect | undefined;
  /** Innermost first, as the API applies them. */
  readonly headerActions: readonly (HeaderAction | undefined)[];
  readonly weighted: boolean;
}

/** Compiles a URL map into one listener's routes, by Google's rules of precedence. */
export function compileRoutes(map: UrlMapContent, lookups: RouteLookups): RoutingTable {
  const fallback = compileTarget(
    {
      service: map.defaultService,
      routeAction: map.defaultRouteAction,
      urlRedirect: map.defaultUrlRedirect,
      headerActions: [map.headerAction],
      weighted: true,
    },
    lookups,
  );
  const matchers = new Map(
    (map.pathMatchers ?? []).map((matcher) => [matcher.name, compilePathMatcher(matcher, map.headerAction, lookups)]),
  );
  const exact = new Map<string, Pick>();
  const suffixes: { suffix: string; pick: Pick }[] = [];
  let any: Pick | undefined;
  for (const rule of map.hostRules ?? []) {
    const pick = matchers.get(rule.pathMatcher);
    if (pick === undefined) continue;
    for (const host of rule.hosts) {
      if (host === "*") any = pick;
      else if (host.startsWith("*")) suffixes.push({ suffix: host.slice(1).toLowerCase(), pick });
      else exact.set(host.toLowerCase(), pick);
    }
  }
  suffixes.sort((a, b) => b.suffix.length - a.suffix.length);

  const pickByHost = (host: string): Pick =>
    exact.get(host) ?? suffixes.find((entry) => host.endsWith(entry.suffix))?.pick ?? any ?? fallback;
  const hasHostRules = exact.size > 0 || suffixes.length > 0 || any !== undefined;

  return {
    select: (request, random) => (hasHostRules ? pickByHost(withoutPort(request.host)) : fallback)(request, random),
  };
}

/** The answer of a listener whose URL map has not reached the data plane. */
export const emptyRoutes: RoutingTable = {
  select: () => ({
    kind: "answer",
    status: 404,
    body: "response 404 (backend NotFound), service rules for the path non-existent\n",
  }),
};

function compilePathMatcher(matcher: PathMatcher, mapAction: HeaderAction | undefined, lookups: RouteLookups): Pick {
  const outer = [matcher.headerAction, mapAction];
  const fallback = compileTarget(
    {
      service: matcher.defaultService,
      routeAction: matcher.defaultRouteAction,
      urlRedirect: matcher.defaultUrlRedirect,
      headerActions: outer,
      weighted: false,
    },
    lookups,
  );
  const rules: { matches: RequestMatcher; pick: Pick }[] = [];
  const routeRules = (matcher.routeRules ?? []).toSorted((a, b) => a.priority - b.priority);
  for (const rule of routeRules) {
    const target = { service: rule.service, routeAction: rule.routeAction, urlRedirect: rule.urlRedirect };
    const headerActions = [rule.headerAction, ...outer];
    const pick = compileTarget({ ...target, headerActions, weighted: false }, lookups);
    rules.push({ matches: matcherOf(rule.matchRules ?? []), pick });
  }
  for (const { path, rule } of pathRulesByLength(matcher)) {
    const target = { service: rule.service, routeAction: rule.routeAction, urlRedirect: rule.urlRedirect };
    const pick = compileTarget({ ...target, headerActions: outer, weighted: false }, lookups);
    rules.push({ matches: pathPattern(path), pick });
  }
  return (request, random) => (rules.find((rule) => rule.matches(request))?.pick ?? fallback)(request, random);
}

type PathRule = NonNullable<PathMatcher["pathRules"]>[number];

/** The longest path wins, whatever the order. */
function pathRulesByLength(matcher: PathMatcher): { path: string; rule: PathRule }[] {
  return (matcher.pathRules ?? [])
    .flatMap((rule) => rule.paths.map((path) => ({ path, rule })))
    .toSorted((a, b) => b.path.length - a.path.length);
}

function pathPattern(pattern: string): RequestMatcher {
  if (!pattern.endsWith("/*")) return (request) => withoutQuery(request.path) === pattern;
  const prefix = pattern.slice(0, -1);
  return (request) => withoutQuery(request.path).startsWith(prefix);
}

function compileTarget(spec: TargetSpec, lookups: RouteLookups): Pick {
  const redirect = spec.urlRedirect;
  if (redirect !== undefined) return (request) => redirectOf(redirect, request, lookups.scheme);
  const entries = spec.routeAction?.weightedBackendServices ?? [];
  if (entries.length === 0) {
    const selection = serviceSelection(spec.service ?? "", undefined, spec, lookups);
    return () => selection;
  }
  const total = entries.reduce((sum, entry) => sum + entry.weight, 0);
  let sum = 0;
  const choices = entries
    .filter((entry) => entry.weight > 0)
    .map((entry) => {
      sum += entry.weight;
      return {
        below: sum / total,
        selection: serviceSelection(entry.backendService, entry.headerAction, spec, lookups),
      };
    });
  const last = choices.at(-1)?.selection ?? noBackend;
  return (_request, random) => choices.find((choice) => random < choice.below)?.selection ?? last;
}

const noBackend: Selection = { kind: "answer", status: 503, body: "no healthy upstream" };

function serviceSelection(
  reference: string,
  own: HeaderAction | undefined,
  spec: TargetSpec,
  lookups: RouteLookups,
): Selection {
  const found = lookups.backend(reference);
  if (found === undefined) return noBackend;
  const actions = [own, ...spec.headerActions];
  const responseHeaders = headersOf(actions, (action) => action.responseHeadersToAdd);
  return {
    kind: "backend",
    backend: withTimeout(found, spec.routeAction),
    side: responseHeaders.findLast(([name]) => name === sideHeader)?.[1] ?? "",
    weighted: spec.weighted,
    responseHeaders,
    requestHeaders: headersOf(actions, (action) => action.requestHeadersToAdd),
  };
}

function headersOf(
  actions: readonly (HeaderAction | undefined)[],
  of: (action: HeaderAction) => HeaderAction["responseHeadersToAdd"],
): readonly (readonly [string, string])[] {
  const headers: [string, string][] = [];
  for (const action of actions) {
    for (const { headerName, headerValue, replace } of (action && of(action)) ?? []) {
      const name = headerName.toLowerCase();
      const at = replace === true ? headers.findIndex(([other]) => other === name) : -1;
      if (at < 0) headers.push([name, headerValue]);
      else headers[at] = [name, headerValue];
    }
  }
  return headers;
}

/** A route's own timeout takes the place of the backend service's. */
function withTimeout(backend: Backend, action: RouteAction | undefined): Backend {
  const timeout = action?.timeout;
  if (timeout === undefined) return backend;
  return {
    name: backend.name,
    timeoutMs: Number(timeout.seconds) * 1000 + Math.round((timeout.nanos ?? 0) / 1e6),
    reserve: (request) => backend.reserve(request),
  };
}

/** Lower-case host without its port; an IPv6 literal keeps its brackets. */
function withoutPort(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function withoutQuery(path: string): string {
  const at = path.indexOf("?");
  return at < 0 ? path : path.slice(0, at);
}
