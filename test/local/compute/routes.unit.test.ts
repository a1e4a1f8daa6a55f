import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileRoutes } from "../../../local/compute/routes.ts";
import { parseUrlMapContent, type UrlMapContent } from "../../../local/compute/url-map-schema.ts";
import type { Backend } from "../../../local/router/backend.ts";
import type { RouteRequest, Selection } from "../../../local/router/routing-table.ts";

const backends = new Map(["gke", "cloud-run", "other"].map((name) => [`bs/${name}`, backendNamed(name)]));

function backendNamed(name: string): Backend {
  return { name, timeoutMs: 30_000, reserve: () => ({ kind: "refusal", status: 503, headers: [], body: "" }) };
}

function request(part: Partial<RouteRequest> = {}): RouteRequest {
  return { method: "GET", host: "agent.local", path: "/", headers: {}, ...part };
}

function route(
  map: object,
  part: Partial<RouteRequest> = {},
  random = 0,
  scheme: "http" | "https" = "https",
): Selection {
  const content: UrlMapContent = parseUrlMapContent({ name: "map", ...map });
  return compileRoutes(content, { backend: (reference) => backends.get(reference), scheme }).select(
    request(part),
    random,
  );
}

function serviceOf(selection: Selection): string {
  return selection.kind === "backend" ? selection.backend.name : selection.kind;
}

function stamp(side: string): object {
  return { responseHeadersToAdd: [{ headerName: "X-Switchyard-Side", headerValue: side, replace: true }] };
}

const weighted = {
  defaultRouteAction: {
    weightedBackendServices: [
      { backendService: "bs/gke", weight: 25, headerAction: stamp("gke") },
      { backendService: "bs/cloud-run", weight: 75, headerAction: stamp("cloud-run") },
    ],
  },
};

const dark = {
  ...weighted,
  hostRules: [{ hosts: ["dark.agent.local"], pathMatcher: "dark" }],
  pathMatchers: [
    {
      name: "dark",
      defaultService: "bs/gke",
      routeRules: [
        {
          priority: 2,
          matchRules: [
            { prefixMatch: "/", headerMatches: [{ headerName: "X-Switchyard-Platform", exactMatch: "cloud-run" }] },
          ],
          routeAction: {
            weightedBackendServices: [
              { backendService: "bs/cloud-run", weight: 100, headerAction: stamp("cloud-run") },
            ],
          },
        },
        {
          priority: 1,
          matchRules: [{ headerMatches: [{ headerName: "x-switchyard-platform", exactMatch: "gke" }] }],
          service: "bs/gke",
          headerAction: stamp("gke"),
        },
      ],
    },
  ],
};

describe("the weighted default route", () => {
  it("gives each platform its share and stamps the side", () => {
    expect(serviceOf(route(weighted, {}, 0.249))).toBe("gke");
    const second = route(weighted, {}, 0.25);
    expect(second).toMatchObject({
      kind: "backend",
      side: "cloud-run",
      weighted: true,
      responseHeaders: [["x-switchyard-side", "cloud-run"]],
    });
    expect(serviceOf(second)).toBe("cloud-run");
  });

  it("gives a platform of weight 0 nothing, whatever the draw", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.boolean(), (random, first) => {
        const entries = [
          { backendService: "bs/gke", weight: first ? 0 : 7 },
          { backendService: "bs/cloud-run", weight: first ? 7 : 0 },
        ];
        const chosen = route({ defaultRouteAction: { weightedBackendServices: entries } }, {}, random);
        expect(serviceOf(chosen)).toBe(first ? "cloud-run" : "gke");
      }),
    );
  });

  it("follows the weights within one part in a thousand over evenly spread draws", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 3 }), (weights) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const names = [...backends.keys()];
        const entries = weights.map((weight, index) => ({ backendService: names[index] ?? "", weight }));
        const table = compileRoutes(
          parseUrlMapContent({ name: "map", defaultRouteAction: { weightedBackendServices: entries } }),
          { backend: (reference) => backends.get(reference), scheme: "https" },
        );
        const draws = 2000;
        const counts = new Map<string, number>();
        for (let draw = 0; draw < draws; draw += 1) {
          const name = serviceOf(table.select(request(), draw / draws));
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
        entries.forEach(({ backendService, weight }) => {
          const share = (counts.get(backendService.slice(3)) ?? 0) / draws;
          expect(Math.abs(share - weight / total)).toBeLessThanOrEqual(1 / draws + 1e-9);
        });
      }),
      { numRuns: 50 },
    );
  });

  it("answers 503 when its backend service is gone", () => {
    expect(route({ defaultService: "bs/none" })).toEqual({ kind: "answer", status: 503, body: "no healthy upstream" });
  });

  it("puts a route's timeout in the place of the backend service's", () => {
    const action = {
      weightedBackendServices: [{ backendService: "bs/gke", weight: 1 }],
      timeout: { seconds: "2", nanos: 5e8 },
    };
    const chosen = route({ defaultRouteAction: action });
    expect(chosen.kind === "backend" && chosen.backend.timeoutMs).toBe(2500);
  });
});

describe("host rules and header routes", () => {
  it("sends the dark host by header, unweighted, and stamps the side from either level", () => {
    const toRun = route(
      dark,
      { host: "DARK.agent.local:8080", headers: { "x-switchyard-platform": "cloud-run" } },
      0.9,
    );
    expect(toRun).toMatchObject({ side: "cloud-run", weighted: false });
    expect(serviceOf(toRun)).toBe("cloud-run");
    const toGke = route(dark, { host: "dark.agent.local", headers: { "x-switchyard-platform": "gke" } }, 0.9);
    expect(toGke).toMatchObject({ side: "gke", weighted: false });
  });

  it("falls back to the matcher's default, never to the weighted one", () => {
    const chosen = route(dark, { host: "dark.agent.local" }, 0.9);
    expect(serviceOf(chosen)).toBe("gke");
    expect(chosen).toMatchObject({ side: "", weighted: false });
  });

  it("spreads the rehearsal host by its own weights, unweighted for the books, and leaves the main route alone", () => {
    const rehearsal = {
      ...weighted,
      hostRules: [{ hosts: ["rehearsal.agent.local"], pathMatcher: "rehearsal" }],
      pathMatchers: [
        {
          name: "rehearsal",
          defaultRouteAction: {
            weightedBackendServices: [
              { backendService: "bs/gke", weight: 100, headerAction: stamp("gke") },
              { backendService: "bs/cloud-run", weight: 100, headerAction: stamp("cloud-run") },
            ],
          },
        },
      ],
    };
    const sides = [0, 0.49, 0.5, 0.99].map((random) => route(rehearsal, { host: "rehearsal.agent.local" }, random));
    expect(sides.map((chosen) => chosen.kind === "backend" && chosen.side)).toEqual([
      "gke",
      "gke",
      "cloud-run",
      "cloud-run",
    ]);
    expect(sides.every((chosen) => chosen.kind === "backend" && !chosen.weighted)).toBe(true);
    expect(route(rehearsal, {}, 0.3)).toMatchObject({ side: "cloud-run", weighted: true });
  });

  it("leaves other hosts to the weighted default, header or not", () => {
    const chosen = route(dark, { headers: { "x-switchyard-platform": "gke" } }, 0.9);
    expect(chosen).toMatchObject({ side: "cloud-run", weighted: true });
  });

  it("prefers an exact host to a wildcard, a longer wildcard to a shorter, and * last", () => {
    const matcher = (name: string, service: string): object => ({ name, defaultService: service });
    const map = {
      defaultService: "bs/other",
      hostRules: [
        { hosts: ["*.local"], pathMatcher: "wide" },
        { hosts: ["*.agent.local"], pathMatcher: "narrow" },
        { hosts: ["a.agent.local"], pathMatcher: "exact" },
      ],
      pathMatchers: [matcher("wide", "bs/gke"), matcher("narrow", "bs/cloud-run"), matcher("exact", "bs/other")],
    };
    expect(serviceOf(route(map, { host: "a.agent.local" }))).toBe("other");
    expect(serviceOf(route(map, { host: "b.agent.local" }))).toBe("cloud-run");
    expect(serviceOf(route(map, { host: "b.local" }))).toBe("gke");
    expect(serviceOf(route(map, { host: "else.where" }))).toBe("other");
    const any = { ...map, hostRules: [...map.hostRules, { hosts: ["*"], pathMatcher: "any" }] };
    const withAny = { ...any, pathMatchers: [...map.pathMatchers, matcher("any", "bs/gke")] };
    expect(serviceOf(route(withAny, { host: "else.where" }))).toBe("gke");
  });

  it.each([
    [{ exactMatch: "a" }, "a", true],
    [{ exactMatch: "a" }, "ab", false],
    [{ prefixMatch: "a" }, "ab", true],
    [{ suffixMatch: "b" }, "ab", true],
    [{ presentMatch: true }, "", true],
    [{ presentMatch: true }, undefined, false],
    [{ presentMatch: false }, undefined, true],
    [{ exactMatch: "a", invertMatch: true }, "b", true],
    [{ exactMatch: "a", invertMatch: true }, undefined, true],
    [{ prefixMatch: "a" }, undefined, false],
  ])("header match %j of %j is %s", (match, value, expected) => {
    const rule = {
      priority: 0,
      matchRules: [{ headerMatches: [{ headerName: "X-T", ...match }] }],
      service: "bs/cloud-run",
    };
    const map = {
      defaultService: "bs/other",
      hostRules: [{ hosts: ["*"], pathMatcher: "m" }],
      pathMatchers: [{ name: "m", defaultService: "bs/gke", routeRules: [rule] }],
    };
    expect(serviceOf(route(map, { headers: { "x-t": value } }))).toBe(expected ? "cloud-run" : "gke");
  });

  it("matches paths without their query: full path, prefix, case, query parameter", () => {
    const matcher = (matchRule: object): object => ({
      defaultService: "bs/other",
      hostRules: [{ hosts: ["*"], pathMatcher: "m" }],
      pathMatchers: [
        {
          name: "m",
          defaultService: "bs/gke",
          routeRules: [{ priority: 0, matchRules: [matchRule], service: "bs/cloud-run" }],
        },
      ],
    });
    expect(serviceOf(route(matcher({ fullPathMatch: "/a" }), { path: "/a?x=1" }))).toBe("cloud-run");
    expect(serviceOf(route(matcher({ fullPathMatch: "/a" }), { path: "/a/b" }))).toBe("gke");
    expect(serviceOf(route(matcher({ prefixMatch: "/A/", ignoreCase: true }), { path: "/a/b" }))).toBe("cloud-run");
    const byQuery = matcher({ queryParameterMatches: [{ name: "x", exactMatch: "1" }] });
    expect(serviceOf(route(byQuery, { path: "/a?x=1" }))).toBe("cloud-run");
    expect(serviceOf(route(byQuery, { path: "/a?x=2" }))).toBe("gke");
  });

  it("takes the matching rule of the lowest priority number, whatever the order", () => {
    const rule = (priority: number, service: string): object => ({
      priority,
      matchRules: [{ prefixMatch: "/" }],
      service,
    });
    const map = {
      defaultService: "bs/other",
      hostRules: [{ hosts: ["*"], pathMatcher: "m" }],
      pathMatchers: [
        { name: "m", defaultService: "bs/other", routeRules: [rule(20, "bs/gke"), rule(3, "bs/cloud-run")] },
      ],
    };
    expect(serviceOf(route(map))).toBe("cloud-run");
  });

  it("takes the longest path rule", () => {
    const map = {
      defaultService: "bs/other",
      hostRules: [{ hosts: ["*"], pathMatcher: "m" }],
      pathMatchers: [
        {
          name: "m",
          defaultService: "bs/other",
          pathRules: [
            { paths: ["/*"], service: "bs/gke" },
            { paths: ["/api/*"], service: "bs/cloud-run" },
          ],
        },
      ],
    };
    expect(serviceOf(route(map, { path: "/api/x?y" }))).toBe("cloud-run");
    expect(serviceOf(route(map, { path: "/other" }))).toBe("gke");
  });

  it("applies header actions from the inside out; the outermost side wins when it replaces", () => {
    const map = {
      defaultService: "bs/gke",
      headerAction: { ...stamp("outer"), requestHeadersToAdd: [{ headerName: "X-R", headerValue: "1" }] },
    };
    expect(route(map)).toMatchObject({
      side: "outer",
      responseHeaders: [["x-switchyard-side", "outer"]],
      requestHeaders: [["x-r", "1"]],
    });
  });
});

describe("redirects", () => {
  it("sends http to https with 301, without the port, with the query unless it is stripped", () => {
    const redirect = { httpsRedirect: true, stripQuery: false };
    const asked = { host: "agent.local:20080", path: "/a?b=c" };
    expect(route({ defaultUrlRedirect: redirect }, asked, 0, "http")).toEqual({
      kind: "redirect",
      status: 301,
      location: "https://agent.local/a?b=c",
    });
    expect(route({ defaultUrlRedirect: { ...redirect, stripQuery: true } }, asked, 0, "http")).toMatchObject({
      location: "https://agent.local/a",
    });
  });

  it("uses the code, host and path that it is given", () => {
    const redirect = { hostRedirect: "new.local", pathRedirect: "/p", redirectResponseCode: "PERMANENT_REDIRECT" };
    expect(route({ defaultUrlRedirect: redirect }, { path: "/a" })).toEqual({
      kind: "redirect",
      status: 308,
      location: "https://new.local/p",
    });
  });
});
