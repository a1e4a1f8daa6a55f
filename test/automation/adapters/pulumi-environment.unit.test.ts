import { describe, expect, test } from "vitest";
import { parseDebugProviders } from "../../../automation/adapters/pulumi-debug-providers.ts";
import {
  cloudEnvironment,
  engineEnvironment,
  localEnvironment,
} from "../../../automation/adapters/pulumi-environment.ts";
import { fileBackendFolder, pendingCreates } from "../../../automation/adapters/pulumi-file-backend.ts";
import { parseStackList } from "../../../automation/adapters/pulumi-replies.ts";

const cloud = { providers: { gcp: 4001, kubernetes: 4002 }, googleEndpoint: "http://127.0.0.1:5000", token: "tok" };

describe("a local environment", () => {
  test("names its own state, home, passphrase, providers and endpoint", () => {
    expect(localEnvironment({ root: "/my project", cloud })).toEqual({
      PULUMI_BACKEND_URL: "file:///my%20project/.switchyard/pulumi/state",
      PULUMI_HOME: "/my project/.switchyard/pulumi/home",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/my project/.switchyard/pulumi/passphrase",
      PULUMI_DEBUG_PROVIDERS: "gcp:4001,kubernetes:4002",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      GOOGLE_PROJECT: "switchyard-local",
      GOOGLE_REGION: "us-central1",
      GOOGLE_ZONE: "us-central1-a",
      GOOGLE_OAUTH_ACCESS_TOKEN: "tok",
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: "http://127.0.0.1:5000/compute/v1/",
      CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING: "http://127.0.0.1:5000/",
    });
  });

  test("lets the engine see nothing of the user's accounts", () => {
    const surroundings = {
      PATH: "/bin",
      HOME: "/home/me",
      https_proxy: "http://proxy",
      PULUMI_ACCESS_TOKEN: "pul-secret",
      PULUMI_BACKEND_URL: "https://api.pulumi.com",
      PULUMI_CONFIG_PASSPHRASE: "mine",
      AWS_SECRET_ACCESS_KEY: "secret",
      GOOGLE_APPLICATION_CREDENTIALS: "/home/me/key.json",
      KUBECONFIG: "/home/me/.kube/config",
    };
    const local = localEnvironment({ root: "/p", cloud });
    expect(engineEnvironment(surroundings, local)).toEqual({
      PATH: "/bin",
      HOME: "/home/me",
      https_proxy: "http://proxy",
      ...local,
    });
    expect(engineEnvironment(surroundings, cloudEnvironment({ env: surroundings }))).toEqual({
      ...surroundings,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    });
  });
});

describe("PULUMI_DEBUG_PROVIDERS", () => {
  test("is read as names and ports", () => {
    expect(parseDebugProviders("gcp:4001, kubernetes:4002")).toEqual([
      { name: "gcp", port: 4001 },
      { name: "kubernetes", port: 4002 },
    ]);
    expect(parseDebugProviders(undefined)).toEqual([]);
  });

  test.each(["gcp", "gcp:", "gcp:0", "gcp:70000", "gcp:1,,aws:2"])(
    "refuses %s, at which the engine panics",
    (value) => {
      expect(() => parseDebugProviders(value)).toThrow(expect.objectContaining({ code: "invalid-config" }));
    },
  );
});

describe("the file backend", () => {
  test("is where its URL says", () => {
    expect(fileBackendFolder("file:///my%20project/state?no_tmp_dir=true")).toBe("/my project/state");
    expect(fileBackendFolder("s3://bucket")).toBeUndefined();
    expect(fileBackendFolder(undefined)).toBeUndefined();
  });

  test("knows which creates were never answered for", () => {
    const operations = [
      { type: "creating", resource: { urn: "urn:a" } },
      { type: "updating", resource: { urn: "urn:b" } },
    ];
    const latest = { pending_operations: operations };
    expect(pendingCreates(JSON.stringify({ version: 3, checkpoint: { latest } }))).toEqual(["urn:a"]);
    expect(pendingCreates(JSON.stringify({ version: 3, deployment: latest }))).toEqual(["urn:a"]);
    expect(pendingCreates(JSON.stringify({ checkpoint: { latest: {} } }))).toEqual([]);
    expect(pendingCreates('{ "pending_operations": [ half a file')).toEqual([]);
  });
});

test("stacks that are not named as ours are not listed", () => {
  const text = JSON.stringify([
    { name: "org/switchyard/traffic.local", resourceCount: 3, lastUpdate: "2026-11-20T14:53:44.042Z" },
    { name: "gke.local" },
    { name: "dev" },
  ]);
  expect(parseStackList(text)).toEqual([
    { stack: "gke.local", resources: 0, updatedAt: undefined },
    { stack: "traffic.local", resources: 3, updatedAt: "2026-11-20T14:53:44.042Z" },
  ]);
});
