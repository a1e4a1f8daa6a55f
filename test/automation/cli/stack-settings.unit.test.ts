import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import { stackSettings } from "../../../automation/cli/stack-settings.ts";

const config = (swap: string) => {
  const { environments } = parseConfig(`environments: {local: {cloud: local, prefix: blue, swap: {${swap}}}}`);
  const { local } = environments;
  if (local === undefined) throw new Error("there is no environment");
  return local;
};

const failBack = {
  flagUrl: "http://127.0.0.1:20001/fail-back/blue/gke",
  routeUrl: "http://127.0.0.1:20000",
  routeHost: "dark.agent.local",
};

describe("the settings of a stack", () => {
  test("say where the fail-back flag is, for platforms only", () => {
    expect(stackSettings("gke", config("fail_back: true"), "project", failBack)).toMatchObject({
      "switchyard:prefix": "blue",
      "switchyard:failBackUrl": failBack.flagUrl,
      "switchyard:failBackRouteUrl": failBack.routeUrl,
      "switchyard:failBackRouteHost": failBack.routeHost,
    });
    expect(Object.keys(stackSettings("traffic", config("fail_back: true"), "project", failBack))).not.toContain(
      "switchyard:failBackUrl",
    );
  });

  test("say nothing of it where it is off", () => {
    for (const program of ["gke", "cloud-run"])
      expect(JSON.stringify(stackSettings(program, config(""), "project"))).not.toContain("failBack");
  });
});

test("observability alerts on what a swap goes by", () => {
  const { environments } = parseConfig(
    "environments: {local: {cloud: local, domain: a.local, swap: {rollback_threshold: 0.005}, platforms: {gke: {performance_threshold: 500}, cloud-run: {performance_threshold: 800, auto_scale_config: {max_instances: 7}}}}}",
  );
  const { local } = environments;
  if (local === undefined) throw new Error("there is no environment");
  expect(stackSettings("observability", local, "project")).toEqual({
    "gcp:project": "project",
    "gcp:region": "us-central1",
    "switchyard:prefix": "kiro",
    "switchyard:domain": "a.local",
    "switchyard:errorPercent": 0.5,
    "switchyard:latencyMilliseconds": 800,
    "switchyard:maxInstances": 7,
  });
  expect(Object.keys(stackSettings("observability", config(""), "project"))).not.toContain(
    "switchyard:latencyMilliseconds",
  );
});

test("fail_back is refused for a cloud, whose agents could not read the flag", () => {
  const text = `environments: {prod: {cloud: google, project: my-project, image: "kiro@sha256:a", swap: {fail_back: true}}}`;
  expect(() => parseConfig(text)).toThrow(/environments\.prod\.swap\.fail_back: true: needs cloud: local/);
});

test("a failover section that contradicts itself is refused with its path", () => {
  const text = "environments: {local: {cloud: local, failover: {policy: automatic, window: 60, dwell: 30}}}";
  expect(() => parseConfig(text)).toThrow(
    /environments\.local\.failover\.dwell: 30: must not be below window \(60 s\)/,
  );
});

test("secrets reach both platforms by name", () => {
  const reference = "projects/p1/secrets/s/versions/3";
  const { environments } = parseConfig(`environments: {local: {cloud: local, secrets: {API_KEY: ${reference}}}}`);
  const { local } = environments;
  if (local === undefined) throw new Error("there is no environment");
  for (const platform of ["cloud-run", "gke"]) {
    expect(stackSettings(platform, local, "project")).toMatchObject({
      "switchyard:secrets": JSON.stringify({ API_KEY: reference }),
    });
  }
});
