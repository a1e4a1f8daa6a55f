import { Service, type ServiceArgs } from "@pulumi/gcp/cloudrunv2/service.js";
import { Network } from "@pulumi/gcp/compute/network.js";
import { Subnetwork } from "@pulumi/gcp/compute/subnetwork.js";
import { getProject } from "@pulumi/gcp/organizations/getProject.js";
import { Provider } from "@pulumi/gcp/provider.js";
import { Topic } from "@pulumi/gcp/pubsub/topic.js";
import { Account } from "@pulumi/gcp/serviceaccount/account.js";
import { type Output, secret } from "@pulumi/pulumi";
import type { PulumiFn, Stack, UpResult } from "@pulumi/pulumi/automation/index.js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startEngine, type TestEngine } from "../../support/engine.ts";
import { createFakeCloud } from "../../support/fake-cloud.ts";

const fake = createFakeCloud();
const { resources } = fake.cloud;
const serviceToken = "gcp:cloudrunv2/service:Service";
let engine: TestEngine;
let stackCount = 0;

beforeAll(async () => {
  engine = await startEngine(fake.cloud);
});
afterAll(() => engine.close());
afterEach(async () => {
  fake.faults.revision = undefined;
  for (const resource of resources.list()) await resources.delete(resource.type, resource.id, resource.cluster);
});

const newStack = (program: PulumiFn): Promise<Stack> => engine.stack(`dev${++stackCount}`, program);
const changes = (result: UpResult): object => result.summary.resourceChanges ?? {};
const idOf = (name: string): string => `projects/switchyard-local/locations/us-central1/services/${name}`;

function service(args: Partial<ServiceArgs> = {}): ServiceArgs {
  return {
    location: "us-central1",
    deletionProtection: false,
    template: { containers: [{ image: "kiro@sha256:1" }] },
    ...args,
  };
}

describe("the life of a resource", () => {
  test("up, no change, preview, update, destroy", async () => {
    let args = service();
    const stack = await newStack(async () => {
      const made = new Service("agent", args);
      return { uri: made.uri, name: made.name, labels: made.effectiveLabels, generation: made.generation };
    });

    const preview = await stack.preview();
    expect(preview.changeSummary).toEqual({ create: 2 });
    expect(resources.list()).toEqual([]);

    const first = await stack.up();
    const name = String(first.outputs["name"]?.value);
    expect(name).toMatch(/^agent-[0-9a-f]{7}$/);
    expect(first.outputs["uri"]).toEqual({ value: `https://${name}.run.localhost`, secret: false });
    expect(first.outputs["labels"]).toEqual({ value: { "goog-pulumi-provisioned": "true" }, secret: true });
    expect(resources.get(serviceToken, idOf(name))?.inputs).toMatchObject({ project: "switchyard-local", name });

    const again = await stack.up();
    expect(changes(again)).toEqual({ same: 2 });
    expect(again.stderr + again.stdout).not.toMatch(/warning/i);

    args = service({ template: { containers: [{ image: "kiro@sha256:2" }] } });
    const updated = await stack.up();
    expect(changes(updated)).toEqual({ same: 1, update: 1 });
    expect(updated.outputs["name"]?.value).toBe(name);
    expect(updated.outputs["generation"]?.value).toBe("2");

    await stack.destroy();
    expect(resources.list()).toEqual([]);
    expect(fake.cloud.cloudRun.get(idOf(name))).toBeUndefined();
  });

  test("an auto-named resource is replaced by one with another name before it is deleted", async () => {
    let location = "us-central1";
    const stack = await newStack(async () => ({ id: new Service("agent", service({ location })).id }));
    const first = await stack.up();
    location = "europe-west1";
    fake.calls.length = 0;
    const second = await stack.up();
    expect(changes(second)).toMatchObject({ replace: 1 });
    expect(fake.calls).toEqual([`deploy ${second.outputs["id"]?.value}`, `delete ${first.outputs["id"]?.value}`]);
    await stack.destroy();
  });

  test("a resource whose name the program gives is deleted before its replacement is made", async () => {
    let range = "10.0.0.0/20";
    let description = "one";
    const stack = await newStack(async () => {
      const network = new Network("net", { name: "net", autoCreateSubnetworks: false, description });
      new Subnetwork("sub", { name: "sub", network: network.id, ipCidrRange: range });
    });
    await stack.up();
    range = "10.0.0.0/16";
    expect(changes(await stack.up())).toEqual({ same: 2, update: 1 });
    range = "10.1.0.0/20";
    const events: string[] = [];
    const shrunk = await stack.up({
      onEvent: (event) => {
        const metadata = event.resOutputsEvent?.metadata;
        if (metadata?.type.includes("subnetwork") === true) events.push(metadata.op);
      },
    });
    expect(changes(shrunk)).toMatchObject({ replace: 1 });
    expect(events).toEqual(["delete-replaced", "replace", "create-replacement"]);
    description = "two";
    await stack.up();
    expect(resources.list().map((resource) => resource.id)).toHaveLength(2);
    await stack.destroy();
  });

  test("a resource that was deleted elsewhere is noticed by a refresh and made anew", async () => {
    const stack = await newStack(async () => {
      new Service("agent", service({ name: "agent" }));
    });
    await stack.up();
    await fake.cloud.cloudRun.delete(idOf("agent"));
    const refreshed = await stack.refresh();
    expect(refreshed.summary.resourceChanges).toMatchObject({ delete: 1 });
    expect(changes(await stack.up())).toMatchObject({ create: 1 });
    await stack.destroy();
  });

  test("a refresh brings live values into the inputs, and the update after it takes them back", async () => {
    const stack = await newStack(async () => {
      new Service("agent", service({ name: "agent" }));
    });
    await stack.up();
    const drifted = {
      ...fake.cloud.cloudRun.get(idOf("agent"))?.settings,
      template: { containers: [{ image: "other" }] },
    };
    await fake.cloud.cloudRun.deploy(idOf("agent"), drifted, new AbortController().signal);
    expect((await stack.refresh()).summary.resourceChanges).toMatchObject({ update: 1 });
    expect(changes(await stack.up())).toMatchObject({ update: 1 });
    expect(fake.cloud.cloudRun.get(idOf("agent"))?.settings["template"]).toEqual({
      containers: [{ image: "kiro@sha256:1" }],
    });
    await stack.destroy();
  });

  test("an existing resource is imported, by a short id too", async () => {
    const owner = await newStack(async () => {
      new Service("agent", service({ name: "agent" }));
    });
    await owner.up();
    const stack = await newStack(async () => {
      const taken = new Service("taken", service({ name: "agent" }), { import: "us-central1/agent" });
      return { uri: taken.uri };
    });
    const result = await stack.up();
    expect(changes(result)).toMatchObject({ import: 1 });
    expect(result.outputs["uri"]?.value).toBe("https://agent.run.localhost");
    const getter = await newStack(async () => ({ uri: Service.get("known", idOf("agent")).uri }));
    expect((await getter.up()).outputs["uri"]?.value).toBe("https://agent.run.localhost");
    const missing = await newStack(async () => {
      new Service("none", service({ name: "none" }), { import: "us-central1/none" });
    });
    await expect(missing.up()).rejects.toThrow(/does not exist/);
    await owner.destroy();
  });
});

describe("values", () => {
  test("a secret stays one in state and outputs, and reaches the cloud in clear", async () => {
    const stack = await newStack(async () => {
      const env = [{ name: "TOKEN", value: secret("hunter2") }];
      const made = new Service(
        "agent",
        service({ name: "agent", template: { containers: [{ image: "i", envs: env }] } }),
      );
      return { template: made.template, image: made.template.apply((t) => t.containers?.[0]?.image ?? "") };
    });
    const result = await stack.up();
    expect(result.outputs["template"]?.secret).toBe(true);
    expect(await engine.state(stack.name)).not.toContain("hunter2");
    expect(JSON.stringify(fake.cloud.cloudRun.get(idOf("agent"))?.settings)).toContain("hunter2");
    await stack.refresh();
    expect(await engine.state(stack.name)).not.toContain("hunter2");
    expect(changes(await stack.up())).toEqual({ same: 2 });
    await stack.destroy();
  });

  test("what is not known at preview makes unknown what is built from it", async () => {
    const seen: unknown[] = [];
    const stack = await newStack(async () => {
      const first = new Service("first", service());
      const second = new Service(
        "second",
        service({ description: first.uri, template: { containers: [{ image: first.uri }] } }),
      );
      const account = new Account("who", { accountId: "who-account" });
      second.description.apply((value) => seen.push(value));
      account.email.apply((value) => seen.push(value));
      account.uniqueId.apply((value) => seen.push(value));
    });
    const preview = await stack.preview();
    expect(preview.changeSummary).toEqual({ create: 4 });
    expect(seen).toEqual(["who-account@switchyard-local.iam.gserviceaccount.com"]);
    expect(resources.list()).toEqual([]);
  });

  test("each provider of a program has its own settings", async () => {
    const stack = await newStack(async () => {
      const other = new Provider("other", {
        project: "elsewhere",
        defaultLabels: { team: "a" },
        addPulumiAttributionLabel: false,
      });
      const own = new Account("here", { accountId: "here-account" });
      const there = new Account("there", { accountId: "there-account" }, { provider: other });
      const labelled = new Service("agent", service({ labels: { own: "b" } }), { provider: other });
      const project = getProject({}, { provider: other });
      return {
        own: own.project,
        there: there.project,
        labels: labelled.effectiveLabels,
        asked: project.then((p) => p.name),
      };
    });
    const { outputs } = await stack.up();
    expect(outputs["own"]?.value).toBe("switchyard-local");
    expect(outputs["there"]?.value).toBe("elsewhere");
    expect(outputs["asked"]?.value).toBe("elsewhere");
    expect(outputs["labels"]?.value).toEqual({ team: "a", own: "b" });
    await stack.destroy();
  });
});

describe("what is refused", () => {
  async function refusal(program: () => void): Promise<string> {
    const stack = await newStack(async () => program());
    const error: unknown = await stack.up().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(resources.list()).toEqual([]);
    return error instanceof Error ? error.message : "";
  }

  test("a type that is not simulated", async () => {
    const message = await refusal(() => new Topic("t"));
    expect(message).toContain("does not simulate the resource gcp:pubsub/topic:Topic");
    expect(message).toContain("gcp:cloudrunv2/service:Service");
  });

  test("a field that the provider does not know, with its path and the nearest name", async () => {
    const containers = [{ image: "i", comands: ["x"] }];
    const message = await refusal(() => new Service("agent", service({ template: { containers } })));
    expect(message).toContain("template.containers[0].comands");
    expect(message).toContain("Did you mean commands?");
    expect(message).toContain("livenessProbe");
  });

  test("all wrong types and missing fields at once", async () => {
    const template = { timeout: 30, containers: [{ name: "no image" }] };
    const message = await refusal(() => new Service("agent", service({ template } as unknown as ServiceArgs)));
    expect(message).toMatch(/template\.timeout.*Expected a string, got a number/s);
    expect(message).toMatch(/template\.containers\[0\]\.image.*Missing required property/s);
  });

  test("the deletion of what is protected", async () => {
    let deletionProtection = true;
    const stack = await newStack(async () => {
      new Service("agent", service({ name: "agent", deletionProtection }));
    });
    await stack.up();
    await expect(stack.destroy()).rejects.toThrow(/deletionProtection/);
    expect(fake.cloud.cloudRun.get(idOf("agent"))).toBeDefined();
    deletionProtection = false;
    await stack.up();
    await stack.destroy();
    expect(resources.list()).toEqual([]);
  });

  test("a second resource of the same name", async () => {
    const stack = await newStack(async () => {
      const first = new Service("a", service({ name: "agent" }));
      new Service("b", service({ name: "agent" }), { dependsOn: first });
    });
    await expect(stack.up()).rejects.toThrow(/Error 409.*already exists/);
    await stack.destroy();
  });
});

test("a revision that does not become ready is kept, reported, and retried without a change", async () => {
  const stack = await newStack(async () => {
    const made = new Service("agent", service({ name: "agent" }));
    return { ready: made.latestReadyRevision as Output<string> };
  });
  fake.faults.revision = "The user-provided container failed to start.";
  await expect(stack.up()).rejects.toThrow(/failed to start/);
  expect(resources.get(serviceToken, idOf("agent"))).toBeDefined();
  fake.faults.revision = undefined;
  const retried = await stack.up();
  expect(changes(retried)).toMatchObject({ update: 1 });
  expect(retried.outputs["ready"]?.value).toMatch(/00002$/);
  await stack.destroy();
});
