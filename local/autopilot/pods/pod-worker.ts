import { constants } from "node:os";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Instance, InstanceExit, InstanceSpec, Runtime } from "../../runtime/runtime.ts";
import { timestamp } from "../objects/metadata.ts";
import type { Container, ContainerState, Pod, Probe } from "../objects/pod.ts";
import { parseQuantity } from "../objects/quantity.ts";
import type { SecretProviderClass } from "../objects/settings.ts";
import type { BackOff } from "./back-off.ts";
import { formatDelay, nextAttempt } from "./back-off.ts";
import type { EnvironmentSources } from "./environment.ts";
import { containerStart } from "./environment.ts";
import type { ContainerView } from "./pod-status.ts";
import { restarts } from "./pod-status.ts";
import { runPreStop } from "./pre-stop.ts";
import type { ProbeTransport } from "./probe-transport.ts";
import { ProbeWorker } from "./probe-worker.ts";
import { type MountError, mountMessage, secretClassOf, secretFolders } from "./secret-volumes.ts";

export interface PodWorkerOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly transport: ProbeTransport;
  readonly sources: EnvironmentSources;
  /** In the pod's own namespace. */
  readonly secretClass: (name: string) => SecretProviderClass | undefined;
  /** Called when the container's state changed. */
  readonly onView: (view: ContainerView) => void;
  /** Called once, when a deleted pod's container is gone. */
  readonly onGone: () => void;
}

/** Why a pod is not well, for messages. */
export interface PodDiagnosis {
  /** The last failure of a probe since the container started. */
  readonly probe: string | undefined;
  /** The last lines of the container that ended last. */
  readonly lastOutput: string | undefined;
}

/** What is left of the grace for SIGTERM when a preStop hook has used it up, as the kubelet does. */
const LEAST_STOP_MS = 2_000;

/** A volume that cannot be mounted. */
export const FAILED_MOUNT = "FailedMount";

/** The kubelet's part for one pod: starts its container, probes it, restarts it, ends it. */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  #pod: Pod;
  #instance: Instance | undefined;
  #starting: Promise<void> | undefined;
  /** A restart is due, or a missing reference is awaited. */
  #idle = true;
  #timer: Timer | undefined;
  #probes: readonly ProbeWorker[] = [];
  #restartBackOff: BackOff | undefined;
  #pullBackOff: BackOff | undefined;
  #terminating = false;
  #closed = false;
  #view: ContainerView = {
    state: waiting("ContainerCreating"),
    lastState: {},
    started: false,
    ready: false,
    restartCount: 0,
  };
  #diagnosis: PodDiagnosis = { probe: undefined, lastOutput: undefined };

  constructor(pod: Pod, options: PodWorkerOptions) {
    this.#pod = pod;
    this.#options = options;
  }

  /** http://127.0.0.1:PORT while the container runs. */
  get origin(): string | undefined {
    return this.#instance?.origin;
  }

  get diagnosis(): PodDiagnosis {
    return this.#diagnosis;
  }

  /** The pod as it is stored now; called after every change in the cluster. */
  sync(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) {
      if (!this.#terminating) {
        this.#terminating = true;
        void this.#terminate(
          (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds) * 1000,
        );
      }
    } else if (this.#idle && this.#timer === undefined && !this.#closed) {
      this.#start();
    }
  }

  /** Ends the container without hooks; the pod stays declared. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    this.#quiet();
    await this.#starting;
    await this.#instance?.stop(graceMs);
  }

  #container(): Container {
    const container = this.#pod.spec.containers[0];
    if (container === undefined) throw new Error(`Pod ${this.#pod.metadata.name} was stored without a container.`);
    return container;
  }

  #start(): void {
    const container = this.#container();
    const folders = secretFolders(this.#pod, container, this.#options.secretClass);
    if (isMountError(folders)) {
      // Kubernetes says it in an event, beside this state.
      this.#show({ state: waiting(folders.missing ? "ContainerCreating" : FAILED_MOUNT, folders.message) });
      return;
    }
    const start = containerStart(this.#pod, container, this.#options.sources);
    if (start.kind === "config-error") {
      this.#show({ state: waiting("CreateContainerConfigError", start.message) });
      return;
    }
    this.#idle = false;
    const memory = container.resources.limits?.["memory"];
    const memoryLimitBytes = memory === undefined ? undefined : parseQuantity(memory);
    const spec: InstanceSpec = {
      name: this.#pod.metadata.name,
      platform: "gke",
      image: container.image,
      env: start.env,
      ...(Object.keys(folders).length === 0 ? {} : { secretFolders: folders }),
      ...(start.command === undefined ? {} : { command: start.command }),
      ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    };
    if (this.#view.state.waiting === undefined) this.#show({ state: waiting("ContainerCreating") });
    this.#starting = this.#options.runtime.start(spec).then(
      (instance) => this.#running(instance, container),
      (error: unknown) => this.#notStarted(error, container),
    );
  }

  #running(instance: Instance, container: Container): void {
    this.#starting = undefined;
    this.#instance = instance;
    this.#pullBackOff = undefined;
    void instance.exited.then((exit) => this.#exited(exit, instance, container));
    if (this.#terminating || this.#closed) return;
    const startedAt = this.#options.clock.now();
    this.#diagnosis = { ...this.#diagnosis, probe: undefined };
    const { startupProbe, readinessProbe } = container;
    const started = startupProbe === undefined;
    this.#show({
      state: { running: { startedAt: timestamp(startedAt) } },
      started,
      ready: started && readinessProbe === undefined,
    });
    if (startupProbe === undefined) {
      this.#probeRunning(instance, container, startedAt);
      return;
    }
    const startup = this.#probe("Startup", startupProbe, instance, startedAt, (success) => {
      startup.stop();
      if (success) {
        this.#show({ started: true, ready: readinessProbe === undefined });
        this.#probeRunning(instance, container, startedAt);
      } else {
        void this.#kill(instance, startupProbe, `Container ${container.name} failed startup probe`);
      }
    });
    this.#probes = [startup];
  }

  #probeRunning(instance: Instance, container: Container, startedAt: number): void {
    const { livenessProbe, readinessProbe } = container;
    const readiness =
      readinessProbe === undefined
        ? []
        : [this.#probe("Readiness", readinessProbe, instance, startedAt, (ready) => this.#show({ ready }))];
    const liveness =
      livenessProbe === undefined
        ? []
        : [
            this.#probe("Liveness", livenessProbe, instance, startedAt, (success) => {
              if (!success)
                void this.#kill(instance, livenessProbe, `Container ${container.name} failed liveness probe`);
            }),
          ];
    this.#probes = [...readiness, ...liveness];
  }

  #probe(
    kind: string,
    probe: Probe,
    instance: Instance,
    containerStartedAt: number,
    onVerdict: (success: boolean) => void,
  ): ProbeWorker {
    return new ProbeWorker({
      probe,
      clock: this.#options.clock,
      transport: this.#options.transport,
      origin: () => instance.origin,
      containerStartedAt,
      onVerdict,
      onFailure: (message) => {
        this.#diagnosis = { ...this.#diagnosis, probe: `${kind} probe failed: ${message}` };
      },
    });
  }

  #notStarted(error: unknown, container: Container): void {
    this.#starting = undefined;
    this.#idle = true;
    if (this.#terminating || this.#closed) return;
    const message = error instanceof Error ? error.message : String(error);
    const { now } = this.#options.clock;
    const first = this.#pullBackOff === undefined;
    const { backOff, delayMs } = nextAttempt(this.#pullBackOff ?? { delayMs: 10_000, updatedAt: now() }, now());
    this.#pullBackOff = backOff;
    if (error instanceof Error && error.name === "ImageNotFoundError") {
      this.#show({
        state: first
          ? waiting("ErrImagePull", message)
          : waiting("ImagePullBackOff", `Back-off pulling image "${container.image}": ErrImagePull: ${message}`),
      });
    } else if (error instanceof Error && error.name === "SecretUnavailableError") {
      const volume = this.#pod.spec.volumes?.find((one) => secretClassOf(one) !== undefined)?.name ?? "";
      this.#show({ state: waiting(FAILED_MOUNT, mountMessage(volume, message)) });
    } else {
      this.#show({ state: waiting("RunContainerError", message) });
    }
    this.#wait(delayMs);
  }

  #exited(exit: InstanceExit, instance: Instance, container: Container): void {
    if (this.#instance === instance) this.#instance = undefined;
    if (this.#closed) return;
    this.#quiet();
    this.#diagnosis = { ...this.#diagnosis, lastOutput: exit.lastOutput };
    const finishedAt = this.#options.clock.now();
    const terminated = terminatedState(exit, instance, finishedAt);
    this.#show({ state: terminated, ready: false, started: false });
    if (this.#terminating || !restarts(this.#pod, terminated.terminated?.exitCode ?? 0)) return;
    const { at, delayMs, backOff } = nextAttempt(this.#restartBackOff, finishedAt);
    this.#restartBackOff = backOff;
    const { name, namespace, uid } = this.#pod.metadata;
    const text = `back-off ${formatDelay(delayMs)} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
    const state = delayMs === 0 ? waiting("ContainerCreating") : waiting("CrashLoopBackOff", text);
    this.#idle = true;
    this.#wait(at - finishedAt);
    this.#show({ state, lastState: terminated });
  }

  /** Tries to start again after `delayMs`. */
  #wait(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#terminating || this.#closed) return;
      if (this.#view.lastState.terminated !== undefined)
        this.#view = { ...this.#view, restartCount: this.#view.restartCount + 1 };
      this.#start();
    }, delayMs);
  }

  /** Ends a container that failed its probes; `#exited` starts it again. */
  async #kill(instance: Instance, probe: Probe, fault: string): Promise<void> {
    this.#quiet();
    this.#show({ ready: false });
    const graceSeconds = probe.terminationGracePeriodSeconds ?? this.#pod.spec.terminationGracePeriodSeconds;
    await this.#stop(instance, graceSeconds * 1000, fault);
  }

  async #terminate(graceMs: number): Promise<void> {
    this.#quiet();
    const deadline = this.#options.clock.now() + graceMs;
    await this.#starting;
    if (this.#instance !== undefined) {
      await this.#stop(this.#instance, deadline - this.#options.clock.now());
    }
    if (!this.#closed) this.#options.onGone();
  }

  /** preStop, then SIGTERM, then SIGKILL; the hook's time is part of the grace. */
  async #stop(instance: Instance, graceMs: number, fault?: string): Promise<void> {
    const { clock, transport } = this.#options;
    const deadline = clock.now() + graceMs;
    const hook = this.#container().lifecycle?.preStop;
    if (hook !== undefined && graceMs > 0) {
      await runPreStop(hook, { clock, transport, origin: instance.origin, graceMs, ended: instance.exited });
    }
    const left = graceMs <= 0 ? 0 : Math.max(LEAST_STOP_MS, deadline - clock.now());
    await instance.stop(hook === undefined ? Math.max(0, graceMs) : left, fault);
  }

  #quiet(): void {
    for (const probe of this.#probes) probe.stop();
    this.#probes = [];
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #show(change: Partial<ContainerView>): void {
    this.#view = { ...this.#view, ...change };
    this.#options.onView(this.#view);
  }
}

function isMountError(folders: ReturnType<typeof secretFolders>): folders is MountError {
  return folders["kind"] === "mount-error";
}

function waiting(reason: string, message?: string): ContainerState {
  return { waiting: message === undefined ? { reason } : { reason, message } };
}

function terminatedState(exit: InstanceExit, instance: Instance, finishedAt: number): ContainerState {
  const signal = Object.entries(constants.signals).find(([name]) => name === exit.signal)?.[1];
  const exitCode = exit.code ?? 128 + (signal ?? 0);
  const outOfMemory = exit.reason !== undefined && /memory/i.test(exit.reason);
  return {
    terminated: {
      exitCode,
      ...(signal === undefined ? {} : { signal }),
      reason: outOfMemory ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
      ...(exit.reason === undefined ? {} : { message: exit.reason }),
      startedAt: timestamp(instance.startedAt),
      finishedAt: timestamp(finishedAt),
    },
  };
}
