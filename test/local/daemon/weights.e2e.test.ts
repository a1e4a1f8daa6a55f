import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { AgentPlatform as CloudRunPlatform } from "../../../components/cloud-run/agent-platform.ts";
import { AgentPlatform as GkePlatform } from "../../../components/gke/agent-platform.ts";
import { TrafficEdge } from "../../../components/traffic/traffic-edge.ts";
import { buildImage } from "../../../local/registry/image.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { attachedStack } from "./attached-engine.ts";
import { type DaemonProcess, startDaemonProcess, until } from "./daemon-process.ts";

/** Who owns the weights (design.md 3.4): the engine that moves traffic, never a `pulumi up`. */

const project = "switchyard-local";
const region = "us-central1";
const prefix = "kiro";
const zones = ["a", "b", "c"].map((letter) => `${region}-${letter}`);

let folder: string;
let daemon: DaemonProcess;
let traffic: Stack;
/** What the traffic program declares at its next run. */
let wanted: { platforms: string[]; requestTimeoutSeconds: number; meanwhile?: () => Promise<void> };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "weights-"));
  const root = join(folder, "root");
  const states = join(folder, "states");
  await mkdir(states, { recursive: true });
  const echo = join(import.meta.dirname, "../../fixtures/images/echo");
  const { image } = await buildImage({ folder: echo, imagesDirectory: join(root, ".switchyard", "images") });
  daemon = await startDaemonProcess(root);
  const platforms = await attachedStack(states, daemon.info.providers, "platforms", async () => {
    new CloudRunPlatform("run", { prefix, project, region, image, deletionProtection: false });
    new GkePlatform("gke", { prefix, project, region, image, replicas: 1, deletionProtection: false });
  });
  await platforms.up();
  await until("endpoint groups in all zones", async () => {
    const groups = await daemon.google("GET", "aggregated/networkEndpointGroups?filter=name%3Dkiro-gke");
    return JSON.stringify(groups.body).match(/"size"/g)?.length === zones.length;
  });
  traffic = await attachedStack(states, daemon.info.providers, "traffic", async () => {
    await wanted.meanwhile?.();
    new TrafficEdge("edge", {
      prefix,
      project,
      region,
      domain: "agent.local",
      platforms: wanted.platforms,
      zones: { gke: zones },
      requestTimeoutSeconds: wanted.requestTimeoutSeconds,
      deletionProtection: false,
    });
  });
  wanted = { platforms: ["cloud-run", "gke"], requestTimeoutSeconds: 300 };
  await traffic.up();
});

afterAll(async () => {
  await daemon?.letGo();
  await removeFolder(folder);
});

const mapSchema = z.object({
  fingerprint: z.string(),
  defaultRouteAction: z.object({
    weightedBackendServices: z.array(z.object({ backendService: z.string(), weight: z.number() })),
  }),
  pathMatchers: z.array(z.object({ routeRules: z.array(z.object({ service: z.string() })) })),
});

async function liveMap(): Promise<z.infer<typeof mapSchema>> {
  return mapSchema.parse((await daemon.google("GET", "global/urlMaps/kiro")).body);
}

async function weights(): Promise<Record<string, number>> {
  const entries = (await liveMap()).defaultRouteAction.weightedBackendServices;
  return Object.fromEntries(
    entries.map(({ backendService, weight }) => [backendService.replace(/.*\/kiro-/, ""), weight]),
  );
}

/** What the swap engine does: read, replace the whole array, quote the fingerprint. */
async function move(next: Record<string, number>): Promise<void> {
  const { fingerprint } = await liveMap();
  const weightedBackendServices = Object.entries(next).map(([platform, weight]) => ({
    backendService: `projects/${project}/global/backendServices/kiro-${platform}`,
    weight,
    headerAction: { responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }] },
  }));
  const reply = await daemon.google("PATCH", "global/urlMaps/kiro", {
    fingerprint,
    defaultRouteAction: { weightedBackendServices },
  });
  expect(reply.status).toBe(200);
}

async function darkPlatforms(): Promise<string[]> {
  const rules = (await liveMap()).pathMatchers[0]?.routeRules ?? [];
  return rules.map(({ service }) => service.replace(/.*\/kiro-/, ""));
}

/** The engine's error text; fails when the operation succeeds. */
async function failureOf(operation: Promise<unknown>): Promise<string> {
  return operation.then(
    () => expect.unreachable("the operation succeeded"),
    (error: unknown) => String(error),
  );
}

describe("the weights belong to the engine that moves traffic", () => {
  it("starts with all traffic on the first platform, and serves", async () => {
    expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
    const listener = (await daemon.status()).listeners.find(({ name }) => name === "kiro-https");
    const reply = await fetch(listener?.url ?? "", { headers: { host: "agent.local" } });
    expect([reply.status, reply.headers.get("x-switchyard-side")]).toEqual([200, "cloud-run"]);
    await reply.body?.cancel();
  });

  it("a change of the map without a refresh fails on the fingerprint and moves nothing", async () => {
    await move({ "cloud-run": 75, gke: 25 });
    wanted = { platforms: ["gke", "cloud-run"], requestTimeoutSeconds: 300 };
    const before = await liveMap();
    const failure = await failureOf(traffic.up());
    expect(failure).toContain("Error 412: Invalid fingerprint., conditionNotMet");
    expect(await liveMap()).toEqual(before);
  });

  it("an unrelated change of another resource without a refresh leaves the weights", async () => {
    wanted = { platforms: ["cloud-run", "gke"], requestTimeoutSeconds: 299 };
    await traffic.up();
    expect(await weights()).toEqual({ "cloud-run": 75, gke: 25 });
  });

  it("a reorder of platforms with a refresh changes routes and leaves the weights", async () => {
    wanted = { platforms: ["gke", "cloud-run"], requestTimeoutSeconds: 299 };
    const result = await traffic.up({ refresh: true });
    expect(result.summary.resourceChanges?.["update"]).toBe(1);
    expect(await darkPlatforms()).toEqual(["gke", "cloud-run"]);
    expect(await weights()).toEqual({ "cloud-run": 75, gke: 25 });
    const again = await traffic.up({ refresh: true });
    expect(again.summary.resourceChanges).toEqual({ same: expect.any(Number) });
  });

  it("a move between read and update is a conflict: the update fails and the move stays", async () => {
    wanted = {
      platforms: ["cloud-run", "gke"],
      requestTimeoutSeconds: 299,
      // The program runs after the refresh has read the map.
      meanwhile: () => move({ "cloud-run": 50, gke: 50 }),
    };
    const failure = await failureOf(traffic.up({ refresh: true }));
    expect(failure).toContain("Error 412: Invalid fingerprint., conditionNotMet");
    expect(await weights()).toEqual({ "cloud-run": 50, gke: 50 });
    expect(await darkPlatforms()).toEqual(["gke", "cloud-run"]);
    wanted = { platforms: ["cloud-run", "gke"], requestTimeoutSeconds: 299 };
    await traffic.up({ refresh: true });
    expect(await darkPlatforms()).toEqual(["cloud-run", "gke"]);
    expect(await weights()).toEqual({ "cloud-run": 50, gke: 50 });
  });

  it("a platform that still has an entry cannot be dropped; once it has none, it can", async () => {
    wanted = { platforms: ["cloud-run"], requestTimeoutSeconds: 299 };
    const failure = await failureOf(traffic.up({ refresh: true }));
    expect(failure).toContain("is already being used by 'projects/switchyard-local/global/urlMaps/kiro'");
    expect(await weights()).toEqual({ "cloud-run": 50, gke: 50 });
    await move({ "cloud-run": 100 });
    await traffic.up({ refresh: true });
    expect(await weights()).toEqual({ "cloud-run": 100 });
    expect((await daemon.control("GET", "/resources")).body).not.toMatchObject({
      resources: expect.arrayContaining([
        expect.objectContaining({ id: "projects/switchyard-local/global/backendServices/kiro-gke" }),
      ]),
    });
  });

  it("a platform that is added gets its route, and its entry from the engine alone", async () => {
    wanted = { platforms: ["cloud-run", "gke"], requestTimeoutSeconds: 299 };
    await traffic.up({ refresh: true });
    expect(await weights()).toEqual({ "cloud-run": 100 });
    expect(await darkPlatforms()).toEqual(["cloud-run", "gke"]);
    await move({ "cloud-run": 100, gke: 0 });
    const again = await traffic.up({ refresh: true });
    expect(again.summary.resourceChanges?.["update"]).toBeUndefined();
    expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
  });

  it("goes down again", async () => {
    await traffic.destroy({ refresh: true });
    expect((await daemon.google("GET", "global/urlMaps")).body["items"]).toEqual([]);
    expect((await daemon.status()).listeners).toEqual([]);
  });
});
