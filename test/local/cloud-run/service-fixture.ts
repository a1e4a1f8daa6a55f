import { type CloudRun, createCloudRun } from "../../../local/cloud-run/cloud-run.ts";
import type { ServiceMetrics } from "../../../local/cloud-run/service-metrics.ts";
import type { CloudRunServiceStatus } from "../../../local/cloud-run/service-status.ts";
import type { Properties } from "../../../local/compute/resources.ts";
import type { Refusal, Reservation } from "../../../local/router/backend.ts";
import { createFakeClock, type FakeClock } from "../../support/fake-clock.ts";
import { createSignalledRuntime, type SignalledRuntime } from "./signalled-runtime.ts";

export const name = "projects/p/locations/us-central1/services/agent";
export const image = `agent@sha256:${"0".repeat(64)}`;
export const coldStartDelayMs = 400;

/** Cloud Run on a clock that the test advances, over instances without processes. */
export class ServiceFixture {
  readonly clock: FakeClock = createFakeClock();
  readonly runtime: SignalledRuntime = createSignalledRuntime(this.clock);
  /** What probes say; undefined is success. */
  probeAnswer: string | undefined;
  cloudRun: CloudRun = this.createCloudRun(coldStartDelayMs, 0);

  createCloudRun(delayMs: number, random: number): CloudRun {
    return createCloudRun({
      runtime: this.runtime,
      clock: this.clock,
      coldStartDelayMs: () => delayMs,
      random: () => random,
      attempt: async () => this.probeAnswer,
    });
  }

  async deploy(inputs: Properties): Promise<CloudRunServiceStatus> {
    const deployed = this.cloudRun.deploy(name, inputs, new AbortController().signal);
    // Failures are looked at by the caller, after time has passed.
    deployed.catch(() => undefined);
    await this.clock.advance(coldStartDelayMs);
    return deployed;
  }

  reserve(options: { probe?: boolean; path?: string; signal?: AbortSignal } = {}) {
    const backend = this.cloudRun.backend(name);
    if (backend === undefined) throw new Error("There is no such service.");
    const { probe = false, path = "/process", signal } = options;
    return backend.reserve({ method: "GET", path, host: "agent.local", probe, signal });
  }

  /** A place that must be free at once. */
  take(options: { probe?: boolean } = {}): Reservation {
    const answer = this.reserve(options);
    if (answer instanceof Promise || answer.kind !== "reservation") throw new Error("There was no free place.");
    return answer;
  }

  async settled(
    answer: Reservation | Refusal | Promise<Reservation | Refusal>,
  ): Promise<Reservation | Refusal | "waiting"> {
    await this.clock.advance(0);
    return Promise.race([answer, Promise.resolve("waiting" as const)]);
  }

  get metrics(): ServiceMetrics | undefined {
    return this.cloudRun.metrics()[0];
  }

  idleToZero(): Promise<void> {
    return this.clock.advance(15 * 60_000 + 6000);
  }
}

/** A service's settings with a concurrency of 2. */
export function settings(
  template: Properties = {},
  env: Record<string, string> = {},
  container: Properties = {},
): Properties {
  const envs = Object.entries(env).map(([key, value]) => ({ name: key, value }));
  return { template: { containers: [{ image, envs, ...container }], maxInstanceRequestConcurrency: 2, ...template } };
}
