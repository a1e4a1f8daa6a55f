import { readFileSync } from "node:fs";
import { runtime } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadProgram, UnknownProgramError } from "../../stacks/load-program.ts";
import { programs } from "../../stacks/programs.ts";

const image = `kiro@sha256:${"a".repeat(64)}`;

/** Runs a program against mocks; returns what it declared and its outputs. */
async function runProgram(stack: string, config: Record<string, string>) {
  const types: string[] = [];
  await runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) => {
        types.push(type);
        return { id: `${name}-id`, state: { selfLink: name, email: "a@b", dnsResourceRecords: [], ...inputs } };
      },
      call: ({ inputs }) => inputs,
    },
    "switchyard",
    stack,
  );
  runtime.setAllConfig({ "gcp:project": "my-project", "gcp:region": "us-central1", ...config });
  try {
    const outputs = await (await loadProgram(stack))();
    await runtime.disconnect();
    return { types, outputs };
  } finally {
    runtime.setAllConfig({});
  }
}

describe("programs", () => {
  test("the outputs are those that the swap reads", async () => {
    const gke = await runProgram("gke.test", { "switchyard:image": image });
    expect(Object.keys(gke.outputs)).toEqual([
      "leastInstances",
      "negName",
      "zones",
      "namespace",
      "deployment",
      "cluster",
      "endpoint",
      "kubeconfig",
    ]);
    expect(gke.outputs["negName"]).toBe("kiro-gke");
    expect(gke.types).toContain("gcp:container/cluster:Cluster");

    const cloudRun = await runProgram("cloud-run.test", { "switchyard:image": image });
    expect(Object.keys(cloudRun.outputs)).toEqual([
      "leastInstances",
      "negName",
      "service",
      "uri",
      "latestReadyRevision",
    ]);
    expect(cloudRun.types).toContain("gcp:cloudrunv2/service:Service");

    const observability = await runProgram("observability.test", { "switchyard:domain": "agent.example.com" });
    expect(Object.keys(observability.outputs)).toEqual(["uptimeCheckId", "dashboardId", "alertPolicies"]);
    expect(observability.types).toContain("gcp:monitoring/dashboard:Dashboard");

    const traffic = await runProgram("traffic.test", {
      "switchyard:domain": "agent.example.com",
      "switchyard:platforms": "cloud-run",
    });
    expect(Object.keys(traffic.outputs)).toEqual([
      "urlMap",
      "address",
      "backendServices",
      "domain",
      "darkHost",
      "rehearsalHost",
      "platforms",
      "dnsRecords",
    ]);
    expect(traffic.outputs).toMatchObject({ darkHost: "dark.agent.example.com", platforms: ["cloud-run"] });
  });

  test("guard declares its table and its role, and needs nothing of Google's", async () => {
    const guard = await runProgram("guard.test", {
      "aws:region": "eu-central-1",
      "switchyard:trustRoleArns": "arn:aws:iam::111122223333:role/gitlab-runner",
      "switchyard:clusterRoleArns": "arn:aws:iam::444455556666:role/switchyard-guard-prod",
    });
    expect(Object.keys(guard.outputs)).toEqual(["tableName", "tableArn", "roleArn"]);
    expect(guard.types.filter((type) => type.startsWith("aws:")).toSorted()).toEqual([
      "aws:dynamodb/table:Table",
      "aws:iam/role:Role",
      "aws:iam/rolePolicy:RolePolicy",
    ]);
  });

  test("wrong configuration declares nothing", async () => {
    await expect(runProgram("gke.test", { "switchyard:image": "kiro" })).rejects.toThrow(/switchyard:image is "kiro"/);
  });

  test("a stack that names no program is refused with the known ones and the nearest", () => {
    expect(() => loadProgram("gek.local")).toThrow(
      "Stack gek.local names no program. A stack is called <program>.<environment>; the programs are cloud-run, gke, guard, observability, traffic. Did you mean gke.local?",
    );
    for (const stack of ["gke", "gke.", ".local", "", "toString.local", "constructor.local"]) {
      expect(() => loadProgram(stack), stack).toThrow(UnknownProgramError);
    }
  });

  test("the entry point has a default export only, as Pulumi's runner demands", async () => {
    expect(Object.keys(await import("../../stacks/index.ts"))).toEqual(["default"]);
  });

  test("Pulumi.yaml names the entry point and refreshes always, which the ownership of weights needs", () => {
    const project: unknown = parse(readFileSync(new URL("../../Pulumi.yaml", import.meta.url), "utf8"));
    expect(project).toMatchObject({
      name: "switchyard",
      main: "stacks/index.ts",
      runtime: { name: "nodejs", options: { typescript: false } },
      options: { refresh: "always" },
    });
    expect(Object.keys(programs).toSorted()).toEqual(["cloud-run", "gke", "guard", "observability", "traffic"]);
  });
});
