import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createCluster } from "../autopilot/create-cluster.ts";
import { lazyDynamoDb } from "../aws/dynamodb.ts";
import { createCloudRun } from "../cloud-run/cloud-run.ts";
import { createCompute } from "../compute/create-compute.ts";
import { openResourceStore } from "../compute/file-resource-store.ts";
import { probeEndpoint } from "../compute/health-check.ts";
import { writeAtomic } from "../compute/json-file.ts";
import { PortInUseError } from "../compute/listener-ports.ts";
import { serveRest } from "../compute/rest.ts";
import { gcpFunctions, gcpTypes } from "../provider/gcp/index.ts";
import { kubernetesFunctions, kubernetesTypes } from "../provider/kubernetes/index.ts";
import { type RestoreFailure, restoreResources } from "../provider/restore.ts";
import { readSchema, sdkVersion } from "../provider/schema.ts";
import { serveProvider } from "../provider/server.ts";
import { openRegistry } from "../registry/registry.ts";
import { createSideCounters } from "../router/counters.ts";
import { createRequestFeedLog } from "../router/feed.ts";
import { createRequestLog } from "../router/request-log.ts";
import { endOrphans } from "../runtime/orphans.ts";
import { processStartTime } from "../runtime/process-identity.ts";
import { createProcessRuntime } from "../runtime/process-runtime.ts";
import { systemClock } from "../runtime/system-clock.ts";
import { createSecretFile } from "../secrets/secret-file.ts";
import type { Cloud } from "./cloud.ts";
import { createClusters } from "./clusters.ts";
import { serveControlApi } from "./control-api.ts";
import { type DaemonInfo, stateFolder, takeDaemonLock } from "./daemon-file.ts";
import { openFailBackFlags } from "./fail-back-flags.ts";
import { createRouterListeners } from "./router-listeners.ts";
import { defaultSettings, type Settings } from "./settings.ts";
import { openTracing } from "./tracing.ts";
import { version } from "./version.ts";
import { workloadsNow } from "./workloads.ts";

export interface DaemonOptions {
  /** The folder whose .switchyard/ holds state and images. */
  readonly root: string;
  /** Default: switchyard-local. */
  readonly project?: string;
  /** Default: us-central1. */
  readonly region?: string;
  /** Default: the region's -a, -b and -c. */
  readonly zones?: readonly string[];
  readonly settings?: Partial<Settings>;
  /** Fixed listener ports by forwarding rule name. */
  readonly listenerPorts?: Readonly<Record<string, number>>;
  /** Ends the start; then `startDaemon` rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Called when the control API is asked to stop; the caller closes the daemon. */
  readonly onStopRequest?: () => void;
}

export interface Daemon {
  readonly info: DaemonInfo;
  /** Listeners drain for half the grace, ms, then instances have the other half between SIGTERM and SIGKILL. Calling it again gives the first call's end. */
  close(graceMs: number): Promise<void>;
}

/** What is undone at the end, last first. */
type Cleanup = (graceMs: number) => Promise<void>;

/**
 * Starts the local cloud of a root and brings back what is declared. Errors: DaemonRunningError, CorruptFileError,
 * PortInUseError; whatever was started by then is ended.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const cleanups: Cleanup[] = [];
  let closing: Promise<void> | undefined;
  const close = (graceMs: number): Promise<void> => {
    closing ??= undoAll(cleanups, graceMs);
    return closing;
  };
  try {
    return { info: await compose(options, cleanups), close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

async function undoAll(cleanups: Cleanup[], graceMs: number): Promise<void> {
  const failures: unknown[] = [];
  for (const cleanup of cleanups.toReversed()) {
    try {
      await cleanup(graceMs);
    } catch (error) {
      // The rest has to end all the same.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "The local cloud did not stop cleanly.");
}

async function compose(options: DaemonOptions, cleanups: Cleanup[]): Promise<DaemonInfo> {
  const { root } = options;
  const project = options.project ?? "switchyard-local";
  const region = options.region ?? "us-central1";
  const zones = options.zones ?? ["a", "b", "c"].map((letter) => `${region}-${letter}`);
  let settings: Settings = { ...defaultSettings, ...options.settings };
  const startTime = processStartTime(process.pid);
  if (startTime === undefined) throw new Error("The start time of the own process cannot be read.");
  const identity = { pid: process.pid, startTime };

  const lock = await takeDaemonLock(root, identity);
  cleanups.push(() => lock.release());
  const folder = stateFolder(root);
  const logsDirectory = join(folder, "logs");
  await endOrphans(folder);

  const clock = systemClock;
  const startedAt = clock.now();
  const resources = await openResourceStore(join(folder, "resources.json"));
  const registry = openRegistry(join(root, ".switchyard", "images"));
  const tracing = openTracing(process.env, (why) => process.emitWarning(why));
  cleanups.push((graceMs) => tracing.close(Math.min(graceMs, lastSpansMs)));
  const { environment } = tracing;
  const runtime = createProcessRuntime({
    registry,
    logsDirectory,
    clock,
    environment,
    accessSecret: createSecretFile(join(folder, "secrets")),
  });
  cleanups.push((graceMs) => runtime.close(graceMs));

  const { random } = Math;
  const cloudRun = createCloudRun({ runtime, clock, random, coldStartDelayMs: () => settings.coldStartDelayMs });
  const clusters = createClusters(({ location, ...cluster }) =>
    createCluster({
      ...cluster,
      zones: zones.filter((zone) => zone.startsWith(location)),
      runtime,
      clock,
      negDelayMs: () => settings.negDelayMs,
    }),
  );
  cleanups.push(async (graceMs) => {
    // Closing the runtime beside them bounds their own grace.
    await Promise.all([cloudRun.close(), clusters.close(), runtime.close(graceMs / 2)]);
  });

  const feed = createRequestFeedLog();
  const log = createRequestLog({ delayMs: () => settings.logDelayMs });
  const counters = createSideCounters();
  const darkCounters = createSideCounters();
  let drainMs = drainOnDeleteMs;
  const compute = await createCompute({
    folder,
    resources,
    cloudRun,
    endpointGroups: clusters.endpointGroups,
    host: createRouterListeners({
      feed,
      counters,
      darkCounters,
      log,
      tracing: tracing.router,
      closeGraceMs: () => drainMs,
    }),
    clock,
    probe: probeEndpoint,
    random,
    following: {
      workers: () => settings.routerWorkers,
      delayMs: () => settings.propagationDelayMs,
      spreadMs: () => settings.propagationSpreadMs,
      inOrder: () => settings.propagationInOrder,
    },
    listenerPorts: options.listenerPorts ?? {},
  });
  cleanups.push((graceMs) => {
    drainMs = Math.min(drainMs, graceMs / 2);
    return compute.close();
  });

  // Before the instances come back, so that they find their flag.
  const failBack = await openFailBackFlags({ folder, fixedPorts: options.listenerPorts ?? {}, random });
  cleanups.push(() => failBack.close());

  const cloud: Cloud = { clock, runtime, resources, cloudRun, compute, clusters: clusters.byEndpoint };
  const defaults = { project, region, zone: zones[0] ?? `${region}-a` };
  const types = [...gcpTypes, ...kubernetesTypes];
  const signal = options.signal ?? new AbortController().signal;
  const notRestored = await restoreResources(cloud, types, defaults, signal);
  signal.throwIfAborted();
  const portInUse = notRestored.find(({ error }) => error instanceof PortInUseError);
  if (portInUse !== undefined) throw portInUse.error;
  for (const failure of notRestored) {
    const { type, id, reason } = describeFailure(failure);
    process.emitWarning(`${type} ${id} did not come back: ${reason}`);
  }

  const provider = async (name: "gcp" | "kubernetes"): Promise<number> => {
    const server = await serveProvider({
      name,
      version: sdkVersion(name),
      types: name === "gcp" ? gcpTypes : kubernetesTypes,
      functions: name === "gcp" ? gcpFunctions : kubernetesFunctions,
      schema: readSchema(name),
      cloud,
      defaults,
    });
    cleanups.push(() => server.close());
    return server.port;
  };
  const [gcp, kubernetes] = await Promise.all([provider("gcp"), provider("kubernetes")]);
  const token = randomBytes(32).toString("base64url");
  const tokenFile = join(folder, "token");
  await writeAtomic(tokenFile, token);
  const rest = await serveRest({ compute, token, zones, clock, log });
  cleanups.push(() => rest.close());

  const dynamoDb = lazyDynamoDb(join(folder, "dynamodb"));
  cleanups.push(() => dynamoDb.close());

  const providers = { gcp, kubernetes };
  const control = await serveControlApi(
    {
      status: () => ({
        version,
        pid: process.pid,
        startedAt,
        project,
        region,
        zones,
        providers,
        googleEndpoint: rest.endpoint,
        listeners: compute.listeners.list(),
        settings,
        notRestored: notRestored.map(describeFailure),
      }),
      feed,
      counters,
      darkCounters,
      weights: compute.weights,
      workloads: () => workloadsNow({ cloudRun, clusters: clusters.list(), runtime, now: clock.now() }),
      usage: () => runtime.usage(),
      exits: () => runtime.exits(),
      resources: () => resources.list(),
      log: (instance) => readLog(join(logsDirectory, `${instance}.log`)),
      failBack,
      dynamoDb: () => dynamoDb.endpoint(),
      changeSettings(patch) {
        settings = { ...settings, ...patch };
        return settings;
      },
      stop: () => options.onStopRequest?.(),
    },
    token,
  );
  cleanups.push(() => control.close());
  const info = { ...identity, controlUrl: control.url, tokenFile, providers, googleEndpoint: rest.endpoint };
  await lock.announce(info);
  return info;
}

/** For the router's last spans, ms. */
const lastSpansMs = 1_000;

/** What requests in flight get when a forwarding rule is deleted, ms. */
const drainOnDeleteMs = 30_000;

function describeFailure({ type, id, error }: RestoreFailure): { type: string; id: string; reason: string } {
  return { type, id, reason: error instanceof Error ? error.message : String(error) };
}

async function readLog(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
