import { once } from "node:events";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { z } from "zod";
import { AgentPlatform as CloudRunPlatform } from "../../../components/cloud-run/agent-platform.ts";
import { AgentPlatform as GkePlatform } from "../../../components/gke/agent-platform.ts";
import { TrafficEdge } from "../../../components/traffic/traffic-edge.ts";
import { buildImage } from "../../../local/registry/image.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { openWebSocket } from "../router/websocket-fixture.ts";
import { attachedStack } from "./attached-engine.ts";
import { type DaemonProcess, startDaemonProcess, until } from "./daemon-process.ts";

/** WebSockets through the whole local cloud: both platforms behind the declared balancer. */

const project = "switchyard-local";
const region = "us-central1";
const prefix = "kiro";
const zones = ["a", "b", "c"].map((letter) => `${region}-${letter}`);
/** The longest request of both platforms, s. */
const requestTimeoutSeconds = 20;

let folder: string;
let daemon: DaemonProcess;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "websocket-"));
  const root = join(folder, "root");
  const states = join(folder, "states");
  await mkdir(states, { recursive: true });
  const echo = join(import.meta.dirname, "../../fixtures/images/websocket-echo");
  const { image } = await buildImage({ folder: echo, imagesDirectory: join(root, ".switchyard", "images") });
  daemon = await startDaemonProcess(root);
  const common = { prefix, project, region, image, requestTimeoutSeconds, deletionProtection: false };
  const platforms: Stack = await attachedStack(states, daemon.info.providers, "platforms", async () => {
    // One request per instance, so that each WebSocket shows the place that it holds.
    new CloudRunPlatform("run", { ...common, concurrency: 1, maxInstances: 2 });
    new GkePlatform("gke", { ...common, replicas: 1, preStopSeconds: 0 });
  });
  await platforms.up();
  await until("endpoint groups in all zones", async () => {
    const groups = await daemon.google("GET", "aggregated/networkEndpointGroups?filter=name%3Dkiro-gke");
    return JSON.stringify(groups.body).match(/"size"/g)?.length === zones.length;
  });
  const traffic = await attachedStack(states, daemon.info.providers, "traffic", async () => {
    new TrafficEdge("edge", {
      prefix,
      project,
      region,
      domain: "agent.local",
      platforms: ["cloud-run", "gke"],
      zones: { gke: zones },
      requestTimeoutSeconds,
      deletionProtection: false,
    });
  });
  await traffic.up();
  const listener = (await daemon.status()).listeners.find(({ name }) => name === "kiro-https");
  if (listener === undefined) throw new Error("There is no listener.");
  url = listener.url;
});

afterAll(async () => {
  await daemon?.letGo();
  await removeFolder(folder);
});

const headers = { host: "agent.local" };
const sidesSchema = z.object({ sides: z.record(z.string(), z.object({ inFlight: z.number(), requests: z.number() })) });

async function inFlight(side: string): Promise<number> {
  return sidesSchema.parse((await daemon.control("GET", "/traffic")).body).sides[side]?.inFlight ?? 0;
}

async function move(next: Record<string, number>): Promise<void> {
  const { fingerprint } = z
    .object({ fingerprint: z.string() })
    .parse((await daemon.google("GET", "global/urlMaps/kiro")).body);
  const weightedBackendServices = Object.entries(next).map(([platform, weight]) => ({
    backendService: `projects/${project}/global/backendServices/kiro-${platform}`,
    weight,
    headerAction: { responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }] },
  }));
  const body = { fingerprint, defaultRouteAction: { weightedBackendServices } };
  expect((await daemon.google("PATCH", "global/urlMaps/kiro", body)).status).toBe(200);
}

describe("WebSockets on both platforms", () => {
  it("given a change of weights, an open one stays on its side and counts there until it closes, a new one goes to the other", async () => {
    const onRun = await openWebSocket(url, headers);
    expect(onRun.headers["x-switchyard-side"]).toBe("cloud-run");
    expect(await onRun.ask("hello")).toMatch(/^\d+: hello$/);
    expect(await inFlight("cloud-run")).toBe(1);

    await move({ "cloud-run": 0, gke: 100 });
    const onGke = await openWebSocket(url, headers);
    expect(onGke.headers["x-switchyard-side"]).toBe("gke");
    const pods = new Set([(await onGke.ask("who")).split(":")[0], (await onRun.ask("who")).split(":")[0]]);
    expect(pods.size).toBe(2);
    expect([await inFlight("cloud-run"), await inFlight("gke")]).toEqual([1, 1]);

    await onRun.close();
    await until("cloud-run is drained", async () => (await inFlight("cloud-run")) === 0);
    expect(await onGke.ask("still there")).toMatch(/still there$/);
    await onGke.close();
    await until("gke is drained", async () => (await inFlight("gke")) === 0);
    const feed = JSON.stringify((await daemon.control("GET", "/feed?after=0")).body);
    expect(feed.match(/"ok"/g)).toHaveLength(2);
    await move({ "cloud-run": 100, gke: 0 });
  });

  it("given one request per Cloud Run instance, each WebSocket holds an instance, and one too many is refused", async () => {
    const first = await openWebSocket(url, headers);
    const second = await openWebSocket(url, headers);
    expect((await first.ask("who")).split(":")[0]).not.toBe((await second.ask("who")).split(":")[0]);

    const refused = new WebSocket(url.replace("http:", "ws:"), ["chat"], { headers });
    refused.on("error", () => undefined);
    const [, response] = await once(refused, "unexpected-response");
    expect(response.statusCode).toBe(429);
    response.destroy();

    await second.close();
    await until("the second instance is free", async () => (await inFlight("cloud-run")) === 1);
    const third = await openWebSocket(url, headers);
    await Promise.all([first.close(), third.close()]);
  });

  it("given the platform's request timeout, a WebSocket is closed then, on both platforms, although it is in use", async () => {
    const onRun = await openWebSocket(url, headers);
    await move({ "cloud-run": 0, gke: 100 });
    const onGke = await openWebSocket(url, headers);
    const opened = performance.now();
    const talk = setInterval(() => {
      for (const { socket } of [onRun, onGke]) if (socket.readyState === WebSocket.OPEN) socket.send("tick");
    }, 500);
    await Promise.all([once(onRun.socket, "close"), once(onGke.socket, "close")]);
    clearInterval(talk);
    expect((performance.now() - opened) / 1000).toBeGreaterThan(requestTimeoutSeconds - 3);
    expect([await inFlight("cloud-run"), await inFlight("gke")]).toEqual([0, 0]);
  });
});
