import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FingerprintConflictError, type UrlMap } from "../../../local/compute/compute.ts";
import { GoogleError } from "../../../local/compute/google-error.ts";
import { openUrlMaps, type UrlMaps } from "../../../local/compute/url-maps.ts";
import { manualClock } from "./manual-clock.ts";

const project = "p1";
let folder: string;
let services: Set<string>;
let proxies: Map<string, string>;
let maps: UrlMaps;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "url-maps-"));
  services = new Set(["a", "b"].map((name) => `projects/p1/global/backendServices/${name}`));
  proxies = new Map();
  maps = await reopen();
});
afterEach(() => rm(folder, { recursive: true }));

function reopen(): Promise<UrlMaps> {
  return openUrlMaps({
    path: join(folder, "url-maps.json"),
    clock: manualClock(),
    backendServiceExists: (path) => services.has(path),
    usedBy: (path) => proxies.get(path),
  });
}

function weights(
  a: number,
  b: number,
): { defaultRouteAction: { weightedBackendServices: { backendService: string; weight: number }[] } } {
  return {
    defaultRouteAction: {
      weightedBackendServices: [
        { backendService: "global/backendServices/a", weight: a },
        { backendService: "global/backendServices/b", weight: b },
      ],
    },
  };
}

async function inserted(): Promise<UrlMap> {
  return maps.insert(project, { name: "m", ...weights(100, 0) });
}

describe("URL maps", () => {
  it("are printed with links, id and fingerprint, and survive a restart", async () => {
    const map = await inserted();
    expect(map).toMatchObject({
      kind: "compute#urlMap",
      selfLink: "https://www.googleapis.com/compute/v1/projects/p1/global/urlMaps/m",
      defaultRouteAction: {
        weightedBackendServices: [
          { backendService: "https://www.googleapis.com/compute/v1/projects/p1/global/backendServices/a", weight: 100 },
          { weight: 0 },
        ],
      },
    });
    maps = await reopen();
    expect(maps.get(project, "m")).toEqual(map);
  });

  it("change their fingerprint with every change, also on the way back to an older content", async () => {
    const first = await inserted();
    const second = await maps.patch(project, "m", weights(50, 50), first.fingerprint);
    const third = await maps.patch(project, "m", weights(100, 0), second.fingerprint);
    expect(new Set([first, second, third].map((map) => map.fingerprint)).size).toBe(3);
  });

  it("keep their fingerprint when nothing changes", async () => {
    const first = await inserted();
    expect((await maps.patch(project, "m", weights(100, 0), first.fingerprint)).fingerprint).toBe(first.fingerprint);
  });

  it.each(["patch", "update"] as const)(
    "refuse a stale or missing fingerprint at %s and change nothing",
    async (verb) => {
      const first = await inserted();
      const second = await maps.patch(project, "m", weights(50, 50), first.fingerprint);
      for (const stale of [first.fingerprint, undefined]) {
        await expect(maps[verb](project, "m", { name: "m", ...weights(1, 99) }, stale)).rejects.toThrow(
          FingerprintConflictError,
        );
      }
      expect(maps.get(project, "m")).toEqual(second);
    },
  );

  it("let exactly one of many concurrent writers with one fingerprint win", async () => {
    const first = await inserted();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => maps.patch(project, "m", weights(n, 100 - n), first.fingerprint)),
    );
    expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
  });

  it("merge a patch and replace with an update", async () => {
    const first = await maps.insert(project, { name: "m", description: "old", ...weights(1, 1) });
    const patched = await maps.patch(project, "m", { ...weights(2, 1) }, first.fingerprint);
    expect(patched["description"]).toBe("old");
    const replaced = await maps.update(project, "m", { name: "m", ...weights(3, 1) }, patched.fingerprint);
    expect(replaced["description"]).toBeUndefined();
  });

  it.each([
    ["weight above 1000", weights(1001, 0), "resource.defaultRouteAction.weightedBackendServices[0].weight': '1001'"],
    ["negative weight", weights(-1, 1), "weightedBackendServices[0].weight': '-1'"],
    ["fraction as weight", weights(0.5, 1), "weightedBackendServices[0].weight': '0.5'"],
    ["all weights 0", weights(0, 0), "weight above 0"],
    ["no default", {}, "One of defaultService"],
    [
      "service and weights",
      { ...weights(1, 0), defaultService: "global/backendServices/a" },
      "Only one of defaultService",
    ],
    [
      "unknown service",
      { defaultService: "global/backendServices/none" },
      "'projects/p1/global/backendServices/none' was not found",
    ],
    ["unknown field", { ...weights(1, 0), colour: "red" }, `Unknown name "colour" at 'resource'`],
    [
      "field that is not simulated",
      { defaultRouteAction: { ...weights(1, 0).defaultRouteAction, retryPolicy: {} } },
      "does not simulate retryPolicy",
    ],
    [
      "host rule without matcher",
      { ...weights(1, 0), hostRules: [{ hosts: ["x"], pathMatcher: "m" }] },
      "no path matcher",
    ],
    [
      "same service twice",
      {
        defaultRouteAction: {
          weightedBackendServices: [
            { backendService: "global/backendServices/a", weight: 1 },
            { backendService: "projects/p1/global/backendServices/a", weight: 1 },
          ],
        },
      },
      "only once",
    ],
  ])("refuse %s and keep nothing", async (_name, body, text) => {
    await expect(maps.insert(project, { name: "m", ...body })).rejects.toThrow(text);
    expect(maps.get(project, "m")).toBeUndefined();
  });

  it("refuse a second map of a name, and changes of maps that are not there", async () => {
    await inserted();
    await expect(inserted()).rejects.toMatchObject({ status: 409, reason: "alreadyExists" });
    await expect(maps.patch(project, "none", {}, "f")).rejects.toMatchObject({ status: 404, reason: "notFound" });
  });

  it("cannot be deleted while a proxy uses them; deleting what is gone is no error", async () => {
    await inserted();
    proxies.set("projects/p1/global/urlMaps/m", "projects/p1/global/targetHttpsProxies/t");
    await expect(maps.delete(project, "m")).rejects.toMatchObject({
      status: 400,
      reason: "resourceInUseByAnotherResource",
      message:
        "The url_map resource 'projects/p1/global/urlMaps/m' is already being used by 'projects/p1/global/targetHttpsProxies/t'",
    });
    proxies.clear();
    await maps.delete(project, "m");
    await maps.delete(project, "m");
    expect(maps.get(project, "m")).toBeUndefined();
  });

  it("say which map uses a backend service, at weight 0 too", async () => {
    await inserted();
    expect(maps.userOf("projects/p1/global/backendServices/b")).toBe("projects/p1/global/urlMaps/m");
    expect(maps.userOf("projects/p1/global/backendServices/c")).toBeUndefined();
  });

  it("reject with GoogleError", async () => {
    await expect(maps.insert(project, { name: "Not A Name" })).rejects.toBeInstanceOf(GoogleError);
  });
});
