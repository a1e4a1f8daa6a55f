import { GoogleError, invalidField } from "./google-error.ts";
import { partialPath } from "./references.ts";
import type { RouteAction, UrlMapContent, UrlRedirect } from "./url-map-schema.ts";

interface Target {
  readonly service: string | undefined;
  readonly routeAction: RouteAction | undefined;
  readonly urlRedirect: UrlRedirect | undefined;
}

/** What the API checks beyond the shape. `exists` answers for a backend service's path. Errors: GoogleError. */
export function checkUrlMap(map: UrlMapContent, project: string, exists: (path: string) => boolean): void {
  const check = (at: string, names: { service: string; action: string; redirect: string }, target: Target): void => {
    const weights = target.routeAction?.weightedBackendServices ?? [];
    const given = [
      target.service === undefined ? undefined : names.service,
      weights.length === 0 ? undefined : `${names.action}.weightedBackendServices`,
      target.urlRedirect === undefined ? undefined : names.redirect,
    ].filter((name) => name !== undefined);
    if (given.length !== 1) {
      throw invalidField(
        at,
        "",
        given.length === 0
          ? `One of ${names.service}, ${names.action}.weightedBackendServices or ${names.redirect} must be set.`
          : `Only one of ${given.join(" and ")} may be set.`,
      );
    }
    if (target.service !== undefined) checkService(`${at}.${names.service}`, target.service);
    weights.forEach((entry, index) => {
      checkService(`${at}.${names.action}.weightedBackendServices[${index}].backendService`, entry.backendService);
      const path = partialPath(entry.backendService, project);
      if (weights.findIndex((other) => partialPath(other.backendService, project) === path) !== index) {
        throw invalidField(
          `${at}.${names.action}.weightedBackendServices[${index}].backendService`,
          entry.backendService,
          "A backend service may appear only once in a list of weighted backend services.",
        );
      }
    });
    if (weights.length > 0 && weights.every((entry) => entry.weight === 0)) {
      throw invalidField(
        `${at}.${names.action}.weightedBackendServices`,
        "",
        "At least one weighted backend service must have a weight above 0.",
      );
    }
  };

  const checkService = (at: string, reference: string): void => {
    const path = partialPath(reference, project);
    if (!/^projects\/[^/]+\/global\/backendServices\/[^/]+$/.test(path)) {
      throw invalidField(at, reference, "The URL is malformed.");
    }
    if (!exists(path)) throw new GoogleError(404, "notFound", `The resource '${path}' was not found`);
  };

  const defaults = { service: "defaultService", action: "defaultRouteAction", redirect: "defaultUrlRedirect" };
  const rule = { service: "service", action: "routeAction", redirect: "urlRedirect" };
  check("resource", defaults, {
    service: map.defaultService,
    routeAction: map.defaultRouteAction,
    urlRedirect: map.defaultUrlRedirect,
  });

  const matchers = map.pathMatchers ?? [];
  matchers.forEach((matcher, index) => {
    const at = `resource.pathMatchers[${index}]`;
    if (matchers.findIndex((other) => other.name === matcher.name) !== index) {
      throw invalidField(`${at}.name`, matcher.name, "Path matcher names must be unique.");
    }
    if (matcher.pathRules !== undefined && matcher.routeRules !== undefined) {
      throw invalidField(at, "", "Only one of pathRules and routeRules may be set.");
    }
    check(at, defaults, {
      service: matcher.defaultService,
      routeAction: matcher.defaultRouteAction,
      urlRedirect: matcher.defaultUrlRedirect,
    });
    matcher.pathRules?.forEach((item, at2) => {
      check(`${at}.pathRules[${at2}]`, rule, {
        service: item.service,
        routeAction: item.routeAction,
        urlRedirect: item.urlRedirect,
      });
    });
    const rules = matcher.routeRules ?? [];
    rules.forEach((item, at2) => {
      if (rules.findIndex((other) => other.priority === item.priority) !== at2) {
        throw invalidField(`${at}.routeRules[${at2}].priority`, item.priority, "Priorities must be unique.");
      }
      check(`${at}.routeRules[${at2}]`, rule, {
        service: item.service,
        routeAction: item.routeAction,
        urlRedirect: item.urlRedirect,
      });
    });
    if (!(map.hostRules ?? []).some((host) => host.pathMatcher === matcher.name)) {
      throw invalidField(`${at}.name`, matcher.name, "The path matcher is not used by any host rule.");
    }
  });

  const hosts = new Set<string>();
  (map.hostRules ?? []).forEach((host, index) => {
    const at = `resource.hostRules[${index}]`;
    if (!matchers.some((matcher) => matcher.name === host.pathMatcher)) {
      throw invalidField(`${at}.pathMatcher`, host.pathMatcher, "There is no path matcher of that name.");
    }
    for (const name of host.hosts) {
      if (hosts.has(name)) throw invalidField(`${at}.hosts`, name, "A host may appear in one host rule only.");
      hosts.add(name);
    }
  });
}
