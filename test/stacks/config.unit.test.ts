import { describe, expect, test } from "vitest";
import { InvalidArgsError } from "../../components/shared/validation.ts";
import {
  type ConfigSource,
  readCloudRunConfig,
  readGkeConfig,
  readObservabilityConfig,
  readTrafficConfig,
} from "../../stacks/config.ts";

const image = `kiro@sha256:${"a".repeat(64)}`;
const place = { GOOGLE_PROJECT: "my-project", GOOGLE_REGION: "us-central1" };

function source(values: Record<string, string>, environment: Record<string, string> = place): ConfigSource {
  const withNamespace = Object.entries(values).map(([key, value]) => [
    key.includes(":") ? key : `switchyard:${key}`,
    value,
  ]);
  return { values: Object.fromEntries(withNamespace), environment };
}

function problemsOf(read: () => unknown): string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof InvalidArgsError)
      return error.message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    throw error;
  }
  return [];
}

describe("stack configuration", () => {
  test("gke: defaults, and texts become what they mean", () => {
    expect(readGkeConfig(source({ image }))).toEqual({
      prefix: "kiro",
      project: "my-project",
      region: "us-central1",
      image,
      cpu: "1",
      memory: "1Gi",
      environment: {},
      secrets: {},
      leastInstances: 2,
      replicas: 2,
      maxReplicas: 10,
      cpuUtilization: 60,
      requestTimeoutSeconds: 300,
      drainSeconds: 300,
      preStopSeconds: 40,
      privateNodes: true,
      releaseChannel: "REGULAR",
      deletionProtection: false,
    });
    expect(
      readGkeConfig(
        source({
          image,
          replicas: "12",
          requestTimeoutSeconds: "20",
          preStopSeconds: "1",
          privateNodes: "false",
          environment: '{"KIRO_LOG_LEVEL":"DEBUG"}',
        }),
      ),
    ).toMatchObject({
      replicas: 12,
      maxReplicas: 12,
      drainSeconds: 20,
      preStopSeconds: 1,
      privateNodes: false,
      environment: { KIRO_LOG_LEVEL: "DEBUG" },
    });
  });

  test("cloud-run: defaults", () => {
    expect(readCloudRunConfig(source({ image }))).toEqual({
      prefix: "kiro",
      project: "my-project",
      region: "us-central1",
      image,
      cpu: "1",
      memory: "1Gi",
      environment: {},
      secrets: {},
      concurrency: 80,
      leastInstances: 1,
      minInstances: 1,
      maxInstances: 100,
      requestTimeoutSeconds: 300,
      cpuIdle: true,
      deletionProtection: false,
    });
  });

  test("a swap holds platforms at more than they keep by themselves, never at less", () => {
    expect(readGkeConfig(source({ image, heldInstances: "12" }))).toMatchObject({
      leastInstances: 2,
      replicas: 12,
      maxReplicas: 12,
    });
    expect(readGkeConfig(source({ image, replicas: "3", heldInstances: "1" }))).toMatchObject({ replicas: 3 });
    expect(readCloudRunConfig(source({ image, heldInstances: "5" }))).toMatchObject({
      leastInstances: 1,
      minInstances: 5,
    });
    expect(() => readCloudRunConfig(source({ image, heldInstances: "-1" }))).toThrow("switchyard:heldInstances");
    expect(() => readGkeConfig(source({ image, maxReplicas: "4", heldInstances: "5" }))).toThrow(
      "at least replicas (5)",
    );
  });

  test("traffic: lists as Pulumi's JSON or as words with commas", () => {
    const wanted = { platforms: ["cloud-run", "gke"], gkeZones: ["us-central1-a", "us-central1-b"] };
    const domain = "agent.example.com";
    expect(
      readTrafficConfig(
        source({ domain, platforms: '["cloud-run","gke"]', gkeZones: '["us-central1-a","us-central1-b"]' }),
      ),
    ).toMatchObject(wanted);
    expect(
      readTrafficConfig(source({ domain, platforms: "cloud-run, gke", gkeZones: "us-central1-a,us-central1-b" })),
    ).toMatchObject(wanted);
    expect(readTrafficConfig(source({ domain, platforms: "cloud-run" }))).toMatchObject({
      gkeZones: [],
      drainSeconds: 300,
    });
  });

  test("observability: defaults, a decimal, and both platforms whichever serves", () => {
    expect(readObservabilityConfig(source({ domain: "agent.example.com" }))).toEqual({
      prefix: "kiro",
      project: "my-project",
      region: "us-central1",
      domain: "agent.example.com",
      platforms: ["cloud-run", "gke"],
      notificationChannels: [],
      errorPercent: 5,
      latencyMilliseconds: 10_000,
      requestsPerMinute: 1,
      uptimePeriodSeconds: 60,
      maxInstances: 100,
    });
    expect(readObservabilityConfig(source({ domain: "agent.example.com", errorPercent: "0.5" }))).toMatchObject({
      errorPercent: 0.5,
    });
    expect(
      problemsOf(() =>
        readObservabilityConfig(
          source({ errorPercent: "0", uptimePeriodSeconds: "30", notificationChannels: "#agents" }),
        ),
      ),
    ).toEqual([
      "switchyard:domain is missing; allowed: a host name in lower case, for example agent.example.com",
      "switchyard:notificationChannels[0] is not accepted; allowed: a channel's full name, for example projects/my-project/notificationChannels/1234567890",
      "switchyard:errorPercent is 0; allowed: a number above 0, at most 100 (default 5)",
      "switchyard:uptimePeriodSeconds is 30; allowed: 60, 300, 600, 900 s (default 60)",
    ]);
  });

  test("project and region: Pulumi's setting before the environment, in the provider's order", () => {
    const environment = { CLOUDSDK_CORE_PROJECT: "sdk-project", GCLOUD_REGION: "europe-west1" };
    expect(readGkeConfig(source({ image }, environment))).toMatchObject({
      project: "sdk-project",
      region: "europe-west1",
    });
    expect(
      readGkeConfig(source({ image, "gcp:project": "set-project", "gcp:region": "us-east1" }, environment)),
    ).toMatchObject({ project: "set-project", region: "us-east1" });
  });

  test("every problem at once: type, range, order, missing, unknown, place", () => {
    expect(
      problemsOf(() =>
        readGkeConfig(
          source(
            {
              image: "kiro",
              replicas: "two",
              cpuUtilization: "100",
              drainSeconds: "20",
              privateNodes: "yes",
              replcas: "s3cret",
              environment: "{oops: hunter2",
              prefix: "Kiro",
            },
            {},
          ),
        ),
      ),
    ).toEqual([
      "gcp:project is missing; allowed: a project, for example my-project; GOOGLE_PROJECT is looked at too",
      "gcp:region is missing; allowed: a region, for example us-central1; GOOGLE_REGION is looked at too",
      "switchyard:replcas is not accepted; allowed: switchyard:replicas (no setting has this name)",
      expect.stringMatching(/^switchyard:prefix is "Kiro"; allowed: 1 to 20 lower-case/),
      expect.stringMatching(/^switchyard:image is "kiro"; allowed: an image name with tag or digest/),
      "switchyard:environment is not accepted; allowed: a map of variable names to text (default none)",
      'switchyard:replicas is "two"; allowed: an integer from 1 to 1000 pods (default 2)',
      'switchyard:privateNodes is "yes"; allowed: true or false (default true)',
      "switchyard:cpuUtilization is 100; allowed: an integer from 10 to 95 % (default 60)",
      expect.stringMatching(/^switchyard:drainSeconds is 20; allowed: at least requestTimeoutSeconds \(300 s\)/),
    ]);
  });

  test("traffic: required settings, unknown platforms and foreign zones", () => {
    expect(problemsOf(() => readTrafficConfig(source({})))).toEqual([
      expect.stringMatching(/^switchyard:domain is missing/),
      expect.stringMatching(/^switchyard:platforms is missing/),
    ]);
    expect(
      problemsOf(() =>
        readTrafficConfig(source({ domain: "agent.local", platforms: "gke,eks", gkeZones: "europe-west1-b" })),
      ),
    ).toEqual([
      'switchyard:gkeZones[0] is "europe-west1-b"; allowed: a zone of region us-central1',
      expect.stringMatching(/^switchyard:platforms\[1\] is "eks"; allowed: cloud-run or gke/),
    ]);
    expect(problemsOf(() => readTrafficConfig(source({ domain: "agent.local", platforms: "gke" })))).toEqual([
      "switchyard:gkeZones is []; allowed: 1 or more values, none twice",
    ]);
  });

  test("settings of other programs and of other namespaces are left alone", () => {
    expect(problemsOf(() => readGkeConfig(source({ image, concurrency: "80", "other:thing": "x" })))).toEqual([]);
  });

  test.each([
    ["gke", readGkeConfig],
    ["cloud-run", readCloudRunConfig],
  ])("%s: the three settings of fail-back are one, and come together", (_, readConfig) => {
    const all = {
      failBackUrl: "http://127.0.0.1:20001/fail-back/kiro/gke",
      failBackRouteUrl: "http://127.0.0.1:20000",
      failBackRouteHost: "dark.agent.local",
    };
    expect(readConfig(source({ image, ...all })).failBack).toEqual({
      url: all.failBackUrl,
      routeUrl: all.failBackRouteUrl,
      routeHost: all.failBackRouteHost,
    });
    expect(readConfig(source({ image })).failBack).toBeUndefined();
    expect(problemsOf(() => readConfig(source({ image, failBackUrl: all.failBackUrl })))).toEqual([
      "switchyard:failBackRouteUrl is missing; allowed: a URL with http or https",
      "switchyard:failBackRouteHost is missing; allowed: a host name, for example dark.agent.example.com",
    ]);
    expect(problemsOf(() => readConfig(source({ image, ...all, failBackUrl: "flag" })))).toEqual([
      'switchyard:failBackUrl is "flag"; allowed: a URL with http or https',
    ]);
  });
});

describe("secrets", () => {
  const github = `ghp_${"m".repeat(36)}`;

  test.each([
    ["by its name", { DB_PASSWORD: "hunter2" }, "switchyard:environment.DB_PASSWORD"],
    ["by its form", { HARMLESS: github }, "switchyard:environment.HARMLESS"],
  ])("a variable that is a secret in clear, %s, is refused on both platforms and not repeated", (_how, given, path) => {
    const environment = JSON.stringify(given);
    for (const read of [readGkeConfig, readCloudRunConfig]) {
      const reading = () => read(source({ image, environment }));
      expect(reading).toThrow(`${path} is not accepted; allowed: no secret in clear`);
      expect(reading).not.toThrow(/hunter2|mmmm/);
    }
  });

  test("by reference they are taken", () => {
    const secrets = { DB_PASSWORD: "projects/my-project/secrets/db/versions/latest" };
    for (const read of [readGkeConfig, readCloudRunConfig]) {
      expect(read(source({ image, secrets: JSON.stringify(secrets) })).secrets).toEqual(secrets);
      expect(() => read(source({ image, secrets: JSON.stringify({ DB_PASSWORD: "hunter2" }) }))).toThrow(
        "switchyard:secrets.DB_PASSWORD is not accepted; allowed: projects/PROJECT/secrets/",
      );
    }
  });
});
