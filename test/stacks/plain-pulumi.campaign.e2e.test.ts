import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openPlainProject, type PlainProject } from "./plain-cli.ts";

// The platform engineer's way: the plain CLI with its language host, the same programs, no code of ours around them.

let project: PlainProject;
beforeAll(async () => {
  project = await openPlainProject();
});
afterAll(() => project.close());

const map = "projects/switchyard-local/global/urlMaps/kiro";
const urlMap = z.object({
  fingerprint: z.string(),
  description: z.string().optional(),
  defaultRouteAction: z.object({
    weightedBackendServices: z.array(z.object({ backendService: z.string(), weight: z.number() })),
  }),
  hostRules: z.array(z.object({ hosts: z.array(z.string()) })),
});
const kept = z.object({ resources: z.array(z.object({ type: z.string() })) });
const status = z.object({ listeners: z.array(z.object({ name: z.string(), url: z.string() })) });

async function readMap(): Promise<z.infer<typeof urlMap>> {
  return urlMap.parse((await project.google("GET", map)).body);
}

/** Weights by platform, in the order of the map's entries. */
async function weights(): Promise<Record<string, number>> {
  const entries = (await readMap()).defaultRouteAction.weightedBackendServices;
  return Object.fromEntries(entries.map((entry) => [entry.backendService.replace(/^.*\/kiro-/, ""), entry.weight]));
}

/** Of the last move; the program must never touch it. */
let fence = 0;

/** What the swap engine does: entries, weights and its fencing token by REST, past Pulumi. */
async function setWeights(wanted: Record<string, number>): Promise<void> {
  const { fingerprint } = await readMap();
  const weightedBackendServices = Object.entries(wanted).map(([platform, weight]) => ({
    backendService: `projects/switchyard-local/global/backendServices/kiro-${platform}`,
    weight,
    headerAction: {
      responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }],
    },
  }));
  fence += 1;
  const reply = await project.google("PATCH", map, {
    fingerprint,
    description: engineText(),
    defaultRouteAction: { weightedBackendServices },
  });
  expect(reply.status, JSON.stringify(reply.body)).toBe(200);
}

function engineText(): string {
  return `moved by the engine; switchyard fence=${fence}`;
}

async function up(stack: string, ...flags: string[]): Promise<string> {
  const result = await project.pulumi("up", "--yes", "--skip-preview", "--stack", stack, ...flags);
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return result.stdout;
}

async function configure(stack: string, settings: Record<string, string>): Promise<void> {
  const pairs = Object.entries(settings).flatMap(([key, value]) => ["--plaintext", `switchyard:${key}=${value}`]);
  const result = await project.pulumi("config", "set-all", "--stack", stack, ...pairs);
  expect(result.exitCode, result.stderr).toBe(0);
}

/** One request through the balancer; fetch would not let the Host header through. */
async function call(path: string, headers: Record<string, string>) {
  const { listeners } = status.parse(await project.control("/status"));
  const https = listeners.find((listener) => listener.name === "kiro-https");
  if (https === undefined) throw new Error("the balancer does not listen on 443's stand-in");
  return new Promise<{ status: number | undefined; side: unknown; instance: unknown }>((resolve, reject) => {
    const sent = request(new URL(path, https.url), { headers, agent: false }, (reply) => {
      reply.resume();
      reply.once("end", () =>
        resolve({
          status: reply.statusCode,
          side: reply.headers["x-switchyard-side"],
          instance: reply.headers["x-kiro-instance"],
        }),
      );
    });
    sent.once("error", reject);
    sent.end();
  });
}

describe("plain pulumi on the local cloud", () => {
  test("given Cloud Run and the edge, when both are up, then the agent answers and a second up changes nothing", async () => {
    for (const stack of ["cloud-run.local", "traffic.local", "gke.local"]) {
      expect((await project.pulumi("stack", "init", stack)).exitCode).toBe(0);
    }
    await configure("cloud-run.local", { image: project.image });
    await configure("traffic.local", { domain: "agent.local", platforms: "cloud-run" });
    await configure("gke.local", { image: project.image, requestTimeoutSeconds: "20", preStopSeconds: "0" });

    await up("cloud-run.local");
    await up("traffic.local");
    expect(await weights()).toEqual({ "cloud-run": 100 });
    expect((await readMap()).description).toMatch(/ switchyard fence=0$/);
    expect(await call("/ready", { host: "agent.local" })).toEqual({
      status: 200,
      side: "cloud-run",
      instance: expect.stringMatching(/^cloud-run\//),
    });
    for (const stack of ["cloud-run.local", "traffic.local"]) {
      await up(stack, "--expect-no-changes");
      const preview = await project.pulumi("preview", "--stack", stack, "--expect-no-changes");
      expect(preview.exitCode, preview.stdout).toBe(0);
    }
  });

  test("given a second platform, when the edge learns of it, then its dark route works and the weights stay", async () => {
    await up("gke.local");
    await configure("traffic.local", {
      platforms: "cloud-run,gke",
      gkeZones: "us-central1-a,us-central1-b,us-central1-c",
    });
    await up("traffic.local");
    expect(await weights()).toEqual({ "cloud-run": 100 });
    for (const platform of ["gke", "cloud-run"]) {
      const reply = await call("/ready", { host: "dark.agent.local", "x-switchyard-platform": platform });
      expect(reply).toMatchObject({ status: 200, side: platform });
      expect(String(reply.instance).startsWith(`${platform}/`)).toBe(true);
    }
    await up("gke.local", "--expect-no-changes");
  });

  test("given what watches the agent, when it is up, then it is kept, and a second up changes nothing", async () => {
    expect((await project.pulumi("stack", "init", "observability.local")).exitCode).toBe(0);
    await configure("observability.local", { domain: "agent.local" });
    await up("observability.local");
    await up("observability.local", "--expect-no-changes");
    const { resources } = kept.parse(await project.control("/resources"));
    const types = resources.map(({ type }) => type).filter((type) => type.startsWith("gcp:monitoring/"));
    expect(types.toSorted()).toEqual([
      ...Array<string>(7).fill("gcp:monitoring/alertPolicy:AlertPolicy"),
      "gcp:monitoring/dashboard:Dashboard",
      "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig",
    ]);
    // The check is replaced, and what names it follows.
    await configure("observability.local", { uptimePeriodSeconds: "300" });
    expect(await up("observability.local")).toContain("1 replaced");
  });

  test("given two platforms, when the rehearsal host is asked, then both answer, whatever the weights", async () => {
    const sides = new Set<unknown>();
    for (let asked = 0; asked < 40; asked += 1) {
      const reply = await call("/ready", { host: "rehearsal.agent.local" });
      expect(reply.status).toBe(200);
      expect(String(reply.instance).startsWith(`${reply.side}/`)).toBe(true);
      sides.add(reply.side);
    }
    expect(sides).toEqual(new Set(["cloud-run", "gke"]));
  });

  test("given moved weights, when an unrelated setting changes without a refresh, then the weights stay", async () => {
    await setWeights({ "cloud-run": 700, gke: 300 });
    await configure("traffic.local", { requestTimeoutSeconds: "120", drainSeconds: "120" });
    expect(await up("traffic.local", "--refresh=false")).toContain("1 updated");
    expect(await weights()).toEqual({ "cloud-run": 700, gke: 300 });
    expect((await readMap()).description).toBe(engineText());
  });

  test("given moved weights, when the platforms change their order, then the weights stay", async () => {
    await configure("traffic.local", { platforms: "gke,cloud-run" });
    expect(await up("traffic.local")).toContain("1 updated");
    expect(await weights()).toEqual({ "cloud-run": 700, gke: 300 });
    expect((await readMap()).description).toBe(engineText());
  });

  test("given a move between read and update, when the map itself changes, then the update fails and changes nothing", async () => {
    await setWeights({ "cloud-run": 500, gke: 500 });
    await configure("traffic.local", { platforms: "cloud-run,gke" });
    const stale = await project.pulumi("up", "--yes", "--skip-preview", "--refresh=false", "--stack", "traffic.local");
    expect(stale.exitCode).not.toBe(0);
    expect(stale.stdout + stale.stderr).toContain("412");
    expect(await weights()).toEqual({ "cloud-run": 500, gke: 500 });
    expect((await readMap()).description).toBe(engineText());
    // As Pulumi.yaml has it, with a refresh, it goes through.
    await up("traffic.local");
    expect(await weights()).toEqual({ "cloud-run": 500, gke: 500 });
    expect((await readMap()).description).toBe(engineText());
  });

  test("given a platform without an entry, when the program drops it, then only its backend goes", async () => {
    await setWeights({ gke: 1000 });
    await configure("traffic.local", { platforms: "gke" });
    expect(await up("traffic.local")).toContain("1 deleted");
    expect(await weights()).toEqual({ gke: 1000 });
    expect(await call("/ready", { host: "agent.local" })).toMatchObject({ status: 200, side: "gke" });
  });

  test("given a platform that still has an entry, when the program drops it, then the cloud refuses", async () => {
    await configure("traffic.local", { platforms: "cloud-run,gke" });
    await up("traffic.local");
    await setWeights({ "cloud-run": 0, gke: 1000 });
    await configure("traffic.local", { platforms: "gke" });
    const dropped = await project.pulumi("up", "--yes", "--skip-preview", "--stack", "traffic.local");
    expect(dropped.exitCode).not.toBe(0);
    expect(dropped.stdout + dropped.stderr).toMatch(/kiro-cloud-run.*already being used by/);
    expect(await weights()).toEqual({ "cloud-run": 0, gke: 1000 });
    await configure("traffic.local", { platforms: "cloud-run,gke" });
    await up("traffic.local");
  });

  test("given another domain, when the edge is updated, then the hosts move without an outage of the map", async () => {
    await configure("traffic.local", { domain: "other.local" });
    await up("traffic.local");
    expect((await readMap()).hostRules).toEqual([
      { hosts: ["dark.other.local"] },
      { hosts: ["rehearsal.other.local"] },
    ]);
    expect(await weights()).toEqual({ "cloud-run": 0, gke: 1000 });
  });

  test("given a misspelt setting, when any stack is updated, then it is refused by name before anything happens", async () => {
    await configure("gke.local", { replcas: "3", memory: "9Gi" });
    const result = await project.pulumi("preview", "--stack", "gke.local");
    expect(result.exitCode).not.toBe(0);
    const text = result.stdout + result.stderr;
    expect(text).toContain("The configuration of gke has 2 problems:");
    expect(text).toContain(
      "switchyard:replcas is not accepted; allowed: switchyard:replicas (no setting has this name)",
    );
    expect(text).not.toContain("at AgentPlatform");
    await project.pulumi("config", "rm-all", "switchyard:replcas", "switchyard:memory", "--stack", "gke.local");
  });

  test("when the stacks are refreshed and destroyed, then nothing is left", async () => {
    for (const stack of ["observability.local", "traffic.local", "gke.local", "cloud-run.local"]) {
      const refreshed = await project.pulumi(
        "refresh",
        "--yes",
        "--skip-preview",
        "--expect-no-changes",
        "--stack",
        stack,
      );
      expect(refreshed.exitCode, refreshed.stdout).toBe(0);
      const destroyed = await project.pulumi("destroy", "--yes", "--skip-preview", "--stack", stack);
      expect(destroyed.exitCode, destroyed.stdout + destroyed.stderr).toBe(0);
    }
    expect(await project.control("/resources")).toEqual({ resources: [] });
    // The usage is a sample, up to a second old.
    await expect.poll(() => project.control("/usage"), { timeout: 10_000 }).toMatchObject({ instances: [] });
  });
});
