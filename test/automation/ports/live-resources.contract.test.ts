/** What every LiveResources does; run on the drill's simulated one and on the one that reads stacks. */
import { describe, expect, test } from "vitest";
import { createLiveResources } from "../../../automation/adapters/live-resources.ts";
import { onItsNode, SimulatedWorkloads } from "../../../automation/drill/simulation/workloads.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { LiveResources } from "../../../automation/ports/live-resources.ts";
import type { StackResource } from "../../../automation/ports/stack-engine.ts";
import { scan } from "../../../automation/stateless/scan.ts";

interface Harness {
  readonly live: LiveResources;
  /** Somebody changes what runs on gke, past its program. */
  change(pod: Readonly<Record<string, unknown>>): void;
  /** Nothing can be read any more. */
  breakOff(): void;
}

function simulated(): Harness {
  const live = new SimulatedWorkloads();
  return { live, change: (pod) => live.change("gke", pod), breakOff: () => live.failWith("no route to host") };
}

/** A stack whose state is as old as its last refresh. */
function ofStacks(): Harness {
  const urn = (type: string, name: string) => `urn:pulumi:gke.local::switchyard::${type}::${name}`;
  const object = (pod: Readonly<Record<string, unknown>>) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "agent", namespace: "default" },
    spec: { template: { spec: { containers: [{ name: "agent", image: "kiro:1" }], ...pod } } },
  });
  const declared = object({});
  let running = declared;
  let read = declared;
  let broken = false;
  const of = (type: string, custom: boolean, inputs: object, outputs: object): StackResource => ({
    urn: urn(type, "agent"),
    type,
    custom,
    inputs: { ...inputs },
    outputs: { ...outputs },
  });
  const live = createLiveResources({
    environment: "local",
    engine: async () => ({
      async refresh(stack) {
        if (broken) throw new SwitchyardError("resource-failed", { message: "no route to host" });
        read = running;
        return { stack, outputs: {}, changes: {}, durationMs: 1 };
      },
      resources: async () => [
        of("pulumi:pulumi:Stack", false, {}, {}),
        of("pulumi:providers:kubernetes", true, {}, {}),
        of("switchyard:gke:Agent", false, {}, {}),
        of("kubernetes:apps/v1:Deployment", true, declared, { ...read, status: { replicas: 2 } }),
      ],
    }),
  });
  return {
    live,
    change(pod) {
      running = object(pod);
    },
    breakOff() {
      broken = true;
    },
  };
}

const { signal } = new AbortController();

describe.each([
  ["SimulatedWorkloads", simulated],
  ["the stacks' state", ofStacks],
])("%s", (_name, start) => {
  test("gives whole objects under the types of the rules, and nothing of Pulumi's own", async () => {
    const resources = await start().live.read("gke", signal);
    expect(resources.map(({ type }) => type)).toEqual(["apps/v1/Deployment"]);
    expect(scan(resources)).toMatchObject({ verdict: "stateless", findings: [] });
  });

  test("sees what was changed past the program", async () => {
    const { live, change } = start();
    change(onItsNode);
    expect(scan(await live.read("gke", signal))).toMatchObject({
      verdict: "stateful",
      findings: [{ path: expect.stringContaining("spec.template.spec.volumes[0]") }],
    });
  });

  test("what cannot be read is an error, never an empty platform", async () => {
    const { live, breakOff } = start();
    breakOff();
    await expect(live.read("gke", signal)).rejects.toMatchObject({
      code: "compliance-unreadable",
      message: expect.stringContaining("no route to host"),
    });
  });
});
