import type { Properties } from "../compute/resources.ts";
import type { Backend, BackendRequest, Refusal, Reservation } from "../router/backend.ts";
import type { Clock } from "../runtime/clock.ts";
import type { InstanceUsage, Runtime } from "../runtime/runtime.ts";
import { ScalingLog } from "../runtime/scaling-log.ts";
import { Autoscaler } from "./autoscaler.ts";
import { CloudRunError } from "./cloud-run-error.ts";
import type { ProbeAttempt } from "./probe.ts";
import { isReservedPath, refusals } from "./refusals.ts";
import { RequestQueue } from "./request-queue.ts";
import { revisionName, revisionNameProblem, settingsKey, templateKey } from "./revision.ts";
import { RevisionPool } from "./revision-pool.ts";
import { chooseScaleIn, pendingLimitMs, recommend, startsForQueue } from "./scaling.ts";
import { type StartFailure, terminationGraceMs } from "./service-instance.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import { serviceEtag, serviceUri, shortName } from "./service-names.ts";
import type { CloudRunServiceName, CloudRunServiceStatus } from "./service-status.ts";
import { parseServiceSettings, type ServiceSettings } from "./settings.ts";
import { startFailureError } from "./start-failure.ts";
import { crashLoopMs, StartThrottle } from "./start-throttle.ts";

export interface ServiceSurroundings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly attempt: ProbeAttempt;
  readonly coldStartDelayMs: () => number;
  readonly random: () => number;
}

interface Revision {
  readonly name: string;
  readonly key: string;
  readonly settings: ServiceSettings;
}

/** Statement 50. */
const keptRevisions = 1000;
/** Starts over which the average start time is taken. */
const rememberedStarts = 20;

/** One service: its revisions, the serving one's instances, and the requests that wait. */
export class CloudRunService implements Backend {
  readonly name: CloudRunServiceName;
  readonly #shortName: string;
  readonly #around: ServiceSurroundings;
  readonly #queue: RequestQueue;
  readonly #revisions = new Map<string, Revision>();
  readonly #retiring = new Set<RevisionPool>();
  readonly #life = new AbortController();
  readonly #autoscaler: Autoscaler;
  readonly #throttle: StartThrottle;
  readonly #startTimes: number[] = [];
  #serving: RevisionPool | undefined;
  #settings: Properties = {};
  #generation = 0;
  #latestCreated = "";
  #latestReady = "";
  #isSettling = false;
  #formerColdStarts = 0;
  #crashes = 0;
  #startFailures = 0;
  readonly #scaling = new ScalingLog();

  constructor(name: CloudRunServiceName, around: ServiceSurroundings) {
    this.name = name;
    this.#shortName = shortName(name);
    this.#around = around;
    this.#queue = new RequestQueue(around.clock, () => this.#settle());
    this.#autoscaler = new Autoscaler(around.clock.now());
    this.#throttle = new StartThrottle(around.clock, () => this.#settle());
  }

  get timeoutMs(): number {
    return this.#serving?.settings.timeoutMs ?? 300_000;
  }

  get settings(): Properties {
    return this.#settings;
  }

  get status(): CloudRunServiceStatus {
    return {
      name: this.name,
      uri: serviceUri(this.name),
      latestCreatedRevision: this.#latestCreated,
      latestReadyRevision: this.#latestReady,
      generation: this.#generation,
      etag: serviceEtag(this.#generation, settingsKey(this.#settings)),
    };
  }

  get metrics(): ServiceMetrics {
    const pool = this.#serving;
    return {
      name: this.name,
      revision: pool?.revision ?? "",
      instanceCount: pool?.count("ready") ?? 0,
      startingInstances: pool?.count("starting") ?? 0,
      retiringInstances: [...this.#retiring].reduce((sum, retired) => sum + retired.instances.length, 0),
      pending: this.#queue.requests,
      inFlight: pool?.inFlight ?? 0,
      concurrency: pool?.settings.concurrency ?? 0,
      recommendedInstances: this.#autoscaler.recommended,
      coldStarts: this.#formerColdStarts + (pool?.coldStarts ?? 0),
      averageStartMs: this.#averageStartMs,
      minInstances: pool?.settings.minInstances ?? 0,
      maxInstances: pool?.settings.maxInstances ?? 0,
      cpu: pool?.settings.cpu ?? 0,
      memoryBytes: pool?.settings.memoryBytes ?? 0,
      instances: pool?.instances.map(({ name }) => name) ?? [],
      crashes: this.#crashes,
      startFailures: this.#startFailures,
      scaling: this.#scaling.list(),
    };
  }

  get #averageStartMs(): number {
    const count = this.#startTimes.length;
    return count === 0 ? 0 : this.#startTimes.reduce((sum, ms) => sum + ms, 0) / count;
  }

  reserve(request: BackendRequest): Reservation | Refusal | Promise<Reservation | Refusal> {
    if (isReservedPath(request.path)) return refusals.reservedPath;
    if (this.#life.signal.aborted) return refusals.deleted;
    const pool = this.#serving;
    if (pool === undefined) return refusals.noRevision;
    if (this.#queue.isEmpty) {
      const place = pool.take(request.probe);
      if (place !== undefined) {
        if (!request.probe) this.#autoscaler.setDemand(pool.inFlight, this.#around.clock.now());
        return place;
      }
    }
    return this.#queue.wait(request, pendingLimitMs(this.#averageStartMs), () => this.#expiry());
  }

  #expiry(): Refusal {
    const pool = this.#serving;
    const isFull = pool !== undefined && pool.count("ready") + pool.count("starting") >= pool.settings.maxInstances;
    return isFull ? refusals.atMaximum : refusals.noInstance;
  }

  /** Errors: CloudRunError; traffic stays where it was. One call at a time. */
  async deploy(inputs: Properties, signal: AbortSignal): Promise<CloudRunServiceStatus> {
    const settings = parseServiceSettings(inputs);
    const key = templateKey(inputs);
    const latest = this.#revisions.get(this.#latestReady);
    const isNew = latest === undefined || latest.key !== key || this.#latestCreated !== this.#latestReady;
    if (isNew) this.#refuseRevisionName(settings.revision);
    if (settings.pinnedRevision !== undefined && !this.#revisions.has(settings.pinnedRevision)) {
      throw new CloudRunError(404, `Revision '${settings.pinnedRevision}' not found.`);
    }
    if (this.#generation === 0 || settingsKey(inputs) !== settingsKey(this.#settings)) this.#generation += 1;
    else if (isNew) this.#generation += 1;
    this.#settings = inputs;
    const revision: Revision = isNew
      ? {
          name: settings.revision ?? revisionName(this.#shortName, this.#generation, this.#around.random),
          key,
          settings,
        }
      : { ...latest, settings };
    const created = isNew
      ? await this.#createRevision(revision, AbortSignal.any([signal, this.#life.signal]))
      : undefined;
    this.#remember(revision);
    this.#latestReady = revision.name;
    const target = this.#revisions.get(settings.pinnedRevision ?? revision.name) ?? revision;
    if (created !== undefined && target.name === revision.name) this.#roll(created);
    else {
      if (created !== undefined) this.#retire(created);
      // Service-level settings hold for whichever revision serves.
      const { minInstances, maxInstances } = settings;
      await this.#serve({ ...target, settings: { ...target.settings, minInstances, maxInstances } }, signal);
    }
    return this.status;
  }

  /** Takes up a service that was ready before the daemon was started again: no new revision, and nothing is waited for. */
  restore(inputs: Properties, previous: CloudRunServiceStatus): CloudRunServiceStatus {
    const settings = parseServiceSettings(inputs);
    const name = settings.pinnedRevision ?? previous.latestReadyRevision;
    this.#settings = inputs;
    this.#generation = previous.generation;
    this.#latestCreated = name;
    this.#latestReady = name;
    this.#remember({ name, key: templateKey(inputs), settings });
    this.#roll(this.#newPool(name, settings));
    return this.status;
  }

  /** Looks at demand and CPU and scales (statement 36: every 5 s). */
  evaluate(): void {
    const pool = this.#serving;
    if (pool === undefined || this.#life.signal.aborted) return;
    const now = this.#around.clock.now();
    const { concurrency, cpu, minInstances: min, maxInstances: max } = pool.settings;
    const { instances, mostRecommended } = this.#autoscaler.evaluate({ concurrency, cpu, min, max }, now);
    const ready = pool.instances.filter(({ state }) => state === "ready");
    if (ready.some(({ readyAt }) => readyAt !== undefined && now - readyAt >= crashLoopMs)) this.#throttle.reset();
    const before = pool.present;
    pool.scaleIn(chooseScaleIn(ready, now, { min, mostRecommended }));
    const present = pool.present;
    this.#scaled(before, present, "idle");
    // Only waiting requests start the first instance (statement 31).
    this.#startMissing(pool, (present === 0 ? min : instances) - present, present === 0 ? "minimum" : "demand");
  }

  #scaled(from: number, to: number, reason: string): void {
    this.#scaling.add({ at: this.#around.clock.now(), target: this.#shortName, from, to, reason });
  }

  /** A sample of all instances' CPU and memory. */
  observe(usage: ReadonlyMap<string, InstanceUsage>): void {
    for (const pool of this.#retiring) pool.observe(usage);
    if (this.#serving === undefined) return;
    this.#autoscaler.setCpu(this.#serving.observe(usage), this.#around.clock.now());
  }

  /** No new requests; those in flight finish, then the instances end. */
  async delete(): Promise<void> {
    this.#end();
    await Promise.all(this.#pools().map((pool) => pool.retire()));
  }

  /** Ends all instances within the grace, whatever runs in them. */
  async close(): Promise<void> {
    this.#end();
    await Promise.all(this.#pools().map((pool) => pool.stop(terminationGraceMs)));
  }

  #end(): void {
    this.#life.abort();
    this.#throttle.close();
    this.#queue.refuse(refusals.deleted, Number.POSITIVE_INFINITY);
  }

  #pools(): readonly RevisionPool[] {
    return this.#serving === undefined ? [...this.#retiring] : [this.#serving, ...this.#retiring];
  }

  #refuseRevisionName(name: string | undefined): void {
    if (name === undefined) return;
    const problem = revisionNameProblem(this.#shortName, name);
    if (problem !== undefined) {
      throw new CloudRunError(400, `Violation in Service settings: template.revision: ${problem}`, {
        problems: [{ property: "template.revision", reason: problem }],
      });
    }
    if (this.#revisions.has(name)) {
      throw new CloudRunError(409, `Revision named '${name}' with different configuration already exists.`);
    }
  }

  #remember(revision: Revision): void {
    this.#revisions.delete(revision.name);
    this.#revisions.set(revision.name, revision);
    for (const name of this.#revisions.keys()) {
      if (this.#revisions.size <= keptRevisions) break;
      if (name !== this.#serving?.revision) this.#revisions.delete(name);
    }
  }

  #newPool(revision: string, settings: ServiceSettings): RevisionPool {
    const { runtime, clock, attempt, coldStartDelayMs } = this.#around;
    return new RevisionPool(this.#shortName, revision, settings, {
      runtime,
      clock,
      attempt,
      coldStartDelayMs,
      onChange: (pool) => this.#changed(pool),
      onStarted: (pool, failure, durationMs) => this.#started(pool, failure, durationMs),
      onCrash: (pool, instance) => {
        this.#crashes += 1;
        if (pool !== this.#serving) return;
        this.#scaled(pool.present + 1, pool.present, "crash");
        if (clock.now() - (instance.readyAt ?? 0) < crashLoopMs) this.#throttle.failed();
      },
    });
  }

  /** Starts the revision's first instances, enough for what is in flight now; at least one must become ready. */
  async #createRevision(revision: Revision, signal: AbortSignal): Promise<RevisionPool> {
    this.#latestCreated = revision.name;
    const pool = this.#newPool(revision.name, revision.settings);
    await this.#startFirst(pool, signal);
    return pool;
  }

  async #startFirst(pool: RevisionPool, signal: AbortSignal): Promise<void> {
    const { concurrency, cpu, minInstances, maxInstances } = pool.settings;
    const now = this.#serving?.inFlight ?? 0;
    const { instances } = recommend(
      { inFlight: { oneMinute: now, tenMinutes: now }, cpuUsed: undefined },
      { concurrency, cpu, min: Math.max(1, minInstances), max: Math.max(1, maxInstances) },
    );
    this.#retiring.add(pool);
    const started = Array.from({ length: instances }, () => pool.start().started);
    const onAbort = (): void => void pool.stop(0);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const failures = await Promise.all(started);
    signal.removeEventListener("abort", onAbort);
    this.#retiring.delete(pool);
    const failure = failures.find((outcome) => outcome !== undefined);
    if (failure === undefined) return;
    if (failures.includes(undefined) && !signal.aborted) return;
    await pool.stop(0);
    if (signal.aborted) {
      throw new CloudRunError(
        503,
        `The deployment of revision '${pool.revision}' was cancelled; traffic is unchanged.`,
      );
    }
    throw startFailureError(pool.revision, failure);
  }

  async #serve(revision: Revision, signal: AbortSignal): Promise<void> {
    const current = this.#serving;
    if (current?.revision === revision.name) {
      current.settings = revision.settings;
      this.#settle();
      this.evaluate();
      return;
    }
    const pool = this.#newPool(revision.name, revision.settings);
    await this.#startFirst(pool, AbortSignal.any([signal, this.#life.signal]));
    this.#roll(pool);
  }

  #roll(pool: RevisionPool): void {
    const former = this.#serving;
    this.#serving = pool;
    this.#scaled(former === undefined ? 0 : former.present, pool.present, "revision");
    this.#throttle.reset();
    this.#autoscaler.started(pool.count("ready"), this.#around.clock.now());
    if (former !== undefined) {
      this.#formerColdStarts += former.coldStarts;
      this.#retire(former);
    }
    this.#settle();
  }

  #retire(pool: RevisionPool): void {
    this.#retiring.add(pool);
    void pool.retire().then(() => this.#retiring.delete(pool));
  }

  #changed(pool: RevisionPool): void {
    if (pool === this.#serving) this.#settle();
  }

  #started(pool: RevisionPool, failure: StartFailure | undefined, durationMs: number): void {
    if (failure === undefined) {
      this.#startTimes.push(durationMs);
      if (this.#startTimes.length > rememberedStarts) this.#startTimes.shift();
    } else this.#startFailures += 1;
    if (pool !== this.#serving) return;
    if (failure === undefined) {
      this.#autoscaler.started(pool.count("ready"), this.#around.clock.now());
      return;
    }
    this.#throttle.failed();
    if (pool.count("ready") > 0) return;
    // Those that the instance would have taken; all of them when no other is on its way.
    const most = pool.count("starting") === 0 ? Number.POSITIVE_INFINITY : pool.settings.concurrency;
    this.#queue.refuse(refusals.startFailed, most);
  }

  /** After any change: gives free slots to those that wait and starts what is missing. */
  #settle(): void {
    const pool = this.#serving;
    if (pool === undefined || this.#isSettling || this.#life.signal.aborted) return;
    this.#isSettling = true;
    this.#queue.serve((probe) => pool.take(probe));
    this.#isSettling = false;
    const { requests, probes } = this.#queue;
    this.#autoscaler.setDemand(pool.inFlight + requests, this.#around.clock.now());
    const ready = pool.count("ready");
    const starting = pool.count("starting");
    const { concurrency, minInstances, maxInstances } = pool.settings;
    const forQueue = startsForQueue(
      { waiting: requests, probesWait: probes > 0, starting, ready },
      { concurrency, max: maxInstances },
    );
    const forMinimum = minInstances - ready - starting;
    this.#startMissing(pool, Math.max(forQueue, forMinimum), forQueue > forMinimum ? "waiting requests" : "minimum");
  }

  #startMissing(pool: RevisionPool, count: number, reason: string): void {
    if (count <= 0) return;
    const allowed = this.#throttle.allowed(count, pool.count("starting"));
    const before = pool.present;
    for (let started = 0; started < allowed; started += 1) pool.start();
    this.#scaled(before, before + allowed, reason);
  }
}
