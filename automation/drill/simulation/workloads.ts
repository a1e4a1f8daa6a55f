/** What the simulated platforms were told to run, and what really runs there. */
import { SwitchyardError } from "../../errors.ts";
import type { LiveResources } from "../../ports/live-resources.ts";
import type { ScannedResource } from "../../stateless/finding.ts";
import { type StatelessReport, scan } from "../../stateless/scan.ts";

/** Beside the containers of a pod. */
export type PodMembers = Readonly<Record<string, unknown>>;

/** A pod that keeps its files on its node. */
export const onItsNode: PodMembers = { volumes: [{ name: "data", hostPath: { path: "/var/lib/agent" } }] };

export class SimulatedWorkloads implements LiveResources {
  readonly #declared = new Map<string, PodMembers>();
  readonly #changed = new Map<string, PodMembers>();
  #trouble: string | undefined;
  /** How often somebody looked. */
  looks = 0;

  /** What the platform's program declares from now on. */
  declare(platform: string, pod: PodMembers): void {
    this.#declared.set(platform, pod);
  }

  /** Somebody changes what runs, past the program; undefined puts it back. */
  change(platform: string, pod: PodMembers | undefined): void {
    if (pod === undefined) this.#changed.delete(platform);
    else this.#changed.set(platform, pod);
  }

  /** Nothing can be read any more, for this reason; undefined: it can again. */
  failWith(reason: string | undefined): void {
    this.#trouble = reason;
  }

  /** Of what the program declares. */
  report(platform: string): StatelessReport {
    return scan([deployment(platform, this.#declared.get(platform) ?? {})]);
  }

  async read(platform: string): Promise<readonly ScannedResource[]> {
    this.looks += 1;
    if (this.#trouble !== undefined)
      throw new SwitchyardError("compliance-unreadable", {
        message: `What runs on ${platform} cannot be read: ${this.#trouble}`,
      });
    return [deployment(platform, this.#changed.get(platform) ?? this.#declared.get(platform) ?? {})];
  }
}

function deployment(platform: string, pod: PodMembers): ScannedResource {
  return {
    type: "apps/v1/Deployment",
    name: `default/${platform}`,
    object: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: platform, namespace: "default" },
      spec: { replicas: 2, template: { spec: { containers: [{ name: "agent", image: "kiro@new" }], ...pod } } },
    },
    where: `simulated ${platform}`,
  };
}
