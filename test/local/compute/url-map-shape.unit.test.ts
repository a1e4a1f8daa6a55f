import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseUrlMapContent } from "../../../local/compute/url-map-schema.ts";
import { urlMapToInputs, urlMapToRest } from "../../../local/compute/url-map-shape.ts";

const project = "p1";
const name = fc.stringMatching(/^[a-z]{1,8}$/);
/** The spellings that programs use: id, selfLink, without project. */
const reference = fc
  .tuple(name, fc.constantFrom("projects/p1/", "https://www.googleapis.com/compute/v1/projects/p1/", ""))
  .map(([service, prefix]) => `${prefix}global/backendServices/${service}`);
const headerToAdd = fc.record({ headerName: name, headerValue: fc.string(), replace: fc.boolean() });
const headerAction = fc.record(
  {
    requestHeadersToAdds: fc.array(headerToAdd, { maxLength: 2 }),
    responseHeadersToAdds: fc.array(headerToAdd, { maxLength: 2 }),
  },
  { requiredKeys: [] },
);
const weighted = fc.record(
  { backendService: reference, weight: fc.integer({ min: 0, max: 1000 }), headerAction },
  { requiredKeys: ["backendService", "weight"] },
);
const routeAction = fc.record({ weightedBackendServices: fc.array(weighted, { minLength: 1, maxLength: 3 }) });
const redirect = fc.record({ httpsRedirect: fc.boolean(), stripQuery: fc.boolean() });
const headerMatch = fc.record({ headerName: name, exactMatch: fc.string(), invertMatch: fc.boolean() });
const routeRule = fc.record(
  {
    priority: fc.integer({ min: 0, max: 100 }),
    matchRules: fc.array(fc.record({ prefixMatch: fc.constant("/"), headerMatches: fc.array(headerMatch) })),
    routeAction,
    headerAction,
    service: reference,
  },
  { requiredKeys: ["priority"] },
);
const inputs = fc.record(
  {
    name,
    project: fc.constant(project),
    description: fc.string(),
    deletionPolicy: fc.constant("DELETE"),
    defaultRouteAction: routeAction,
    defaultService: reference,
    defaultUrlRedirect: redirect,
    headerAction,
    hostRules: fc.array(fc.record({ hosts: fc.array(name, { minLength: 1 }), pathMatcher: name })),
    pathMatchers: fc.array(
      fc.record({ name, defaultService: reference, routeRules: fc.array(routeRule) }, { requiredKeys: ["name"] }),
    ),
  },
  { requiredKeys: ["name", "project"] },
);

describe("URL map shapes", () => {
  it("come back as they went, and are what the API takes", () => {
    fc.assert(
      fc.property(inputs, (given) => {
        // One spelling per service, as one program has; two spellings of one service have no single way back.
        fc.pre(spellingsAreUnique(JSON.stringify(given)));
        const rest = urlMapToRest(given, project);
        expect(() => parseUrlMapContent(rest)).not.toThrow();
        expect(urlMapToInputs(rest, project, given)).toEqual(given);
      }),
      { numRuns: 100 },
    );
  });

  it("renames where the bridge's plural differs, and makes links absolute", () => {
    const given = {
      name: "m",
      project,
      defaultRouteAction: {
        weightedBackendServices: [
          {
            backendService: "projects/p1/global/backendServices/a",
            weight: 5,
            headerAction: { responseHeadersToAdds: [{ headerName: "x-s", headerValue: "a", replace: true }] },
          },
        ],
      },
    };
    expect(urlMapToRest(given, project)).toEqual({
      name: "m",
      defaultRouteAction: {
        weightedBackendServices: [
          {
            backendService: "https://www.googleapis.com/compute/v1/projects/p1/global/backendServices/a",
            weight: 5,
            headerAction: { responseHeadersToAdd: [{ headerName: "x-s", headerValue: "a", replace: true }] },
          },
        ],
      },
    });
  });

  it("keeps the program's spelling for a service, also in an entry that others added", () => {
    const previous = { name: "m", project, defaultService: "projects/p1/global/backendServices/a" };
    const live = {
      name: "m",
      fingerprint: "f",
      defaultRouteAction: {
        weightedBackendServices: [
          { backendService: "https://www.googleapis.com/compute/v1/projects/p1/global/backendServices/a", weight: 1 },
          { backendService: "https://www.googleapis.com/compute/v1/projects/p1/global/backendServices/b", weight: 0 },
        ],
      },
    };
    expect(urlMapToInputs(live, project, previous)).toEqual({
      name: "m",
      project,
      defaultRouteAction: {
        weightedBackendServices: [
          { backendService: "projects/p1/global/backendServices/a", weight: 1 },
          { backendService: "projects/p1/global/backendServices/b", weight: 0 },
        ],
      },
    });
  });
});

function spellingsAreUnique(text: string): boolean {
  const found = new Map<string, string>();
  for (const [spelling = "", service = ""] of text.matchAll(/"[^"]*global\/backendServices\/([a-z]+)"/g)) {
    if ((found.get(service) ?? spelling) !== spelling) return false;
    found.set(service, spelling);
  }
  return true;
}
