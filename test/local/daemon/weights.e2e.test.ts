import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleRequestFeed, loggingApi } from "../../../automation/adapters/google-request-feed.ts";
import { createHttpProber } from "../../../automation/adapters/http-prober.ts";
import { createSyntheticLoad } from "../../../automation/adapters/http-synthetic-load.ts";
import { createLocalRequestFeed } from "../../../automation/adapters/local-request-feed.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import type { RequestRecord } from "../../../automation/ports/request-feed.ts";
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

const spreadSchema = z.object({
  weightedBackendServices: z.array(z.object({ backendService: z.string(), weight: z.number() })),
});
const mapSchema = z.object({
  fingerprint: z.string(),
  description: z.string(),
  defaultRouteAction: spreadSchema,
  pathMatchers: z.tuple([
    z.object({ name: z.literal("dark"), routeRules: z.array(z.object({ service: z.string() })) }),
    z.object({ name: z.literal("rehearsal"), defaultRouteAction: spreadSchema }),
  ]),
});

async function liveMap(): Promise<z.infer<typeof mapSchema>> {
  return mapSchema.parse((await daemon.google("GET", "global/urlMaps/kiro")).body);
}

function byPlatform(spread: z.infer<typeof spreadSchema>): Record<string, number> {
  return Object.fromEntries(
    spread.weightedBackendServices.map(({ backendService, weight }) => [
      backendService.replace(/.*\/kiro-/, ""),
      weight,
    ]),
  );
}

async function weights(): Promise<Record<string, number>> {
  return byPlatform((await liveMap()).defaultRouteAction);
}

async function rehearsal(): Promise<Record<string, number>> {
  return byPlatform((await liveMap()).pathMatchers[1].defaultRouteAction);
}

/** Of the last move. */
let fence = 0;

function engineText(): string {
  return `moved by the engine; switchyard fence=${fence}`;
}

/** What the swap engine does: read, replace the whole array, stamp its fencing token, quote the fingerprint. */
async function move(next: Record<string, number>): Promise<void> {
  const { fingerprint } = await liveMap();
  fence += 1;
  const weightedBackendServices = Object.entries(next).map(([platform, weight]) => ({
    backendService: `projects/${project}/global/backendServices/kiro-${platform}`,
    weight,
    headerAction: { responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }] },
  }));
  const reply = await daemon.google("PATCH", "global/urlMaps/kiro", {
    fingerprint,
    description: engineText(),
    defaultRouteAction: { weightedBackendServices },
  });
  expect(reply.status).toBe(200);
}

async function darkPlatforms(): Promise<string[]> {
  return (await liveMap()).pathMatchers[0].routeRules.map(({ service }) => service.replace(/.*\/kiro-/, ""));
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
    expect(await rehearsal()).toEqual({ "cloud-run": 100, gke: 100 });
    const listener = (await daemon.status()).listeners.find(({ name }) => name === "kiro-https");
    const reply = await fetch(listener?.url ?? "", { headers: { host: "agent.local" } });
    expect([reply.status, reply.headers.get("x-switchyard-side")]).toEqual([200, "cloud-run"]);
    await reply.body?.cancel();
  });

  it("tells users' requests from probes, dark and rehearsal ones, in the feed and in the log alike", async () => {
    const { controlUrl, googleEndpoint } = daemon.info;
    const url = (await daemon.status()).listeners.find(({ name }) => name === "kiro-https")?.url ?? "";
    const google = createGoogleRequestFeed({
      client: createGoogleClient({
        api: loggingApi,
        env: {
          CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: new URL("/", googleEndpoint).href,
          GOOGLE_OAUTH_ACCESS_TOKEN: daemon.token,
        },
      }),
      project,
      urlMap: prefix,
      backendPrefix: prefix,
      platforms: ["gke", "cloud-run"],
      unweightedHosts: ["dark.agent.local", "rehearsal.agent.local"],
      clock: systemClock,
      settleMs: 5,
      pollMs: 20,
    });
    const local = createLocalRequestFeed({ controlUrl, token: daemon.token, listener: "kiro-https" });
    const starts = await Promise.all([google, local].map((feed) => feed.read(undefined, 0)));
    const probe = async (host: string) => {
      const prober = createHttpProber({ baseUrl: url, host });
      try {
        return await prober.sample(40);
      } finally {
        await prober.close();
      }
    };
    const load = createSyntheticLoad({ baseUrl: url, host: "agent.local" });
    const rehearsed = await probe("rehearsal.agent.local");
    await probe("agent.local");
    const dark = new Agent({ keepAliveTimeout: 1 });
    for (const platform of ["gke", "cloud-run"]) {
      const headers = { host: "dark.agent.local", "x-switchyard-platform": platform };
      const reply = await request(url, { headers, dispatcher: dark });
      expect([reply.statusCode, reply.headers["x-switchyard-side"]]).toEqual([200, platform]);
      await reply.body.dump();
    }
    await dark.close();
    await load.send(25);
    await load.close();
    const seen = await Promise.all(
      [google, local].map(async (feed, index) => {
        const records: RequestRecord[] = [];
        for (let cursor = starts[index]?.cursor; records.length < 25; ) {
          const batch = await feed.read(cursor, 5_000);
          if (batch.records.length === 0) break;
          records.push(...batch.records);
          cursor = batch.cursor;
        }
        return records.map(({ side, status, outcome }) => ({ side, status, outcome }));
      }),
    );
    expect(new Set(rehearsed.map(({ side, status }) => `${side} ${status}`))).toEqual(
      new Set(["gke 200", "cloud-run 200"]),
    );
    expect(seen[0]).toEqual(Array.from({ length: 25 }, () => ({ side: "cloud-run", status: 200, outcome: "ok" })));
    expect(seen[1]).toEqual(seen[0]);
    const traffic = await daemon.control("GET", "/traffic?listener=kiro-https");
    expect(traffic.body).toMatchObject({ sides: { "cloud-run": { requests: 26 } }, weights: { "cloud-run": 100 } });
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
    expect((await liveMap()).description).toBe(engineText());
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
    expect((await liveMap()).description).toBe(engineText());
  });

  it("a platform that still has an entry cannot be dropped; once it has none, it can", async () => {
    wanted = { platforms: ["cloud-run"], requestTimeoutSeconds: 299 };
    const failure = await failureOf(traffic.up({ refresh: true }));
    expect(failure).toContain("is already being used by 'projects/switchyard-local/global/urlMaps/kiro'");
    expect(await weights()).toEqual({ "cloud-run": 50, gke: 50 });
    await move({ "cloud-run": 100 });
    // The program takes it out of the dark and the rehearsal route before its backend goes: nothing refers to it then.
    await traffic.up({ refresh: true });
    expect(await weights()).toEqual({ "cloud-run": 100 });
    expect(await darkPlatforms()).toEqual(["cloud-run"]);
    expect(await rehearsal()).toEqual({ "cloud-run": 100 });
    expect((await liveMap()).description).toBe(engineText());
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
    expect(await rehearsal()).toEqual({ "cloud-run": 100, gke: 100 });
    await move({ "cloud-run": 100, gke: 0 });
    const again = await traffic.up({ refresh: true });
    expect(again.summary.resourceChanges?.["update"]).toBeUndefined();
    expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
    expect((await liveMap()).description).toBe(engineText());
  });

  it("goes down again", async () => {
    await traffic.destroy({ refresh: true });
    expect((await daemon.google("GET", "global/urlMaps")).body["items"]).toEqual([]);
    expect((await daemon.status()).listeners).toEqual([]);
  });
});
