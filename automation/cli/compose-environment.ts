/** One environment's ports: the other half of the wiring (compose.ts). */
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { createFailBack, type HttpFailBack } from "../adapters/fail-back-http.ts";
import { createGoogleClient, type GoogleClient } from "../adapters/google-client.ts";
import { createGoogleNetworkEndpointGroups } from "../adapters/google-network-endpoint-groups.ts";
import { createGoogleRequestFeed, googleSideLoad, loggingApi } from "../adapters/google-request-feed.ts";
import { createGoogleTrafficRouter } from "../adapters/google-traffic-router.ts";
import { createHttpProber } from "../adapters/http-prober.ts";
import { createSyntheticLoad } from "../adapters/http-synthetic-load.ts";
import { createLiveResources } from "../adapters/live-resources.ts";
import { createLocalSideLoad, type LocalCloud, type LocalTraffic } from "../adapters/local-cloud.ts";
import { createLocalRequestFeed } from "../adapters/local-request-feed.ts";
import { createMetricSources } from "../adapters/metric-sources.ts";
import { createNotifiers } from "../adapters/notifiers.ts";
import { createGooglePlatformMetrics } from "../adapters/platform-metrics-google.ts";
import { createLocalPlatformMetrics } from "../adapters/platform-metrics-local.ts";
import { createPlatforms, platformNames } from "../adapters/platforms.ts";
import { createPulumiEngine } from "../adapters/pulumi-engine.ts";
import type { ResolvedEngine } from "../adapters/pulumi-resolver.ts";
import { createStateStore } from "../adapters/state-stores.ts";
import { AlertDesk } from "../alerts/desk.ts";
import { alertsConfig, toAlertSettings } from "../alerts/settings.ts";
import { type AuditLog, createAuditLog } from "../audit/log.ts";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { LiveResources } from "../ports/live-resources.ts";
import type { MetricSource } from "../ports/metric-source.ts";
import type { Platform } from "../ports/platform.ts";
import type { PlatformMetrics } from "../ports/platform-metrics.ts";
import type { ProcessTable } from "../ports/process-table.ts";
import type { RequestFeed } from "../ports/request-feed.ts";
import type { SideCapacity } from "../ports/side-capacity.ts";
import type { ConfigValues, StackEngine, StackName } from "../ports/stack-engine.ts";
import type { StateStore } from "../ports/state-store.ts";
import { type TraceScope, traceHeaders } from "../ports/tracer.ts";
import type { TrafficRouter } from "../ports/traffic-router.ts";
import type { RunPorts } from "../swap/run-ports.ts";
import { hotSwapConfig } from "../swap/settings.ts";
import { SwapStore } from "../swap/store.ts";
import { buildLocalImage } from "./compose-image.ts";
import type { ConfigFile, EnvironmentConfig } from "./config-file.ts";
import { type FailBackSettings, stackSettings } from "./stack-settings.ts";

export { platformNames };

/** The stateless rules as a policy pack. */
export const policyFolder = join(import.meta.dirname, "..", "..", "policy");

/** Where the balancer answers. */
export interface Balancer {
  /** http://127.0.0.1:PORT or https://DOMAIN */
  readonly url: string;
  readonly host: string;
  readonly darkHost: string;
  /** Spread over all platforms alike, whatever the weights are. */
  readonly rehearsalHost: string;
  /** Name of the forwarding rule for 443. */
  readonly listener: string;
}

/** What an environment needs of the composition that it belongs to. */
export interface EnvironmentSurroundings {
  readonly root: string;
  readonly files: FileSystem;
  readonly processes: ProcessTable;
  readonly clock: Clock;
  /** The state of swaps is kept in files, whatever the configuration says (demo). */
  readonly stateInFiles: boolean;
  readonly signal: AbortSignal;
  /** The process's own variables. */
  readonly env: Variables;
  readonly trace: TraceScope;
  readonly onDiagnostic: (stack: StackName, severity: string, text: string) => void;
  config(): Promise<ConfigFile>;
  localCloud(): Promise<LocalCloud>;
  resolveEngine(): Promise<ResolvedEngine>;
  variables(config: EnvironmentConfig): Promise<Readonly<Record<string, string | undefined>>>;
  readingVariables(config: EnvironmentConfig): Promise<Readonly<Record<string, string | undefined>>>;
}

/** One environment with its ports, made when first asked for. */
export class Environment {
  readonly name: string;
  readonly config: EnvironmentConfig;
  readonly store: SwapStore;
  /** For what works on the state store itself. */
  readonly statePlace: { readonly store: StateStore; readonly files: FileSystem; readonly folder: string };
  readonly #composition: EnvironmentSurroundings;
  #engine: Promise<StackEngine> | undefined;
  #google: Promise<GoogleClient> | undefined;
  #alerts: AlertDesk | undefined;

  constructor(composition: EnvironmentSurroundings, name: string, config: EnvironmentConfig) {
    this.#composition = composition;
    this.name = name;
    this.config = config;
    const { root, files, processes, clock, stateInFiles } = composition;
    const folder = join(root, ".switchyard", "environments", name);
    const local = config.cloud === "local";
    const store = createStateStore(stateInFiles ? undefined : config.state, {
      environment: name,
      files,
      folder,
      ...(local && { localEndpoint: async () => (await composition.localCloud()).dynamoDb() }),
    });
    this.statePlace = { store, files, folder };
    this.store = new SwapStore({ store, processes, clock, environment: name, floor: () => this.#lastFence() });
  }

  get project(): string {
    return projectOf(this.config);
  }

  /** Where what changes this environment is written down. */
  auditLog(): AuditLog {
    const { name } = this;
    return createAuditLog({
      store: this.statePlace.store,
      environment: name,
      verify: `npx switchyard audit verify --env ${name}`,
      setAside: `npx switchyard audit set-aside --env ${name} --reason WHY`,
    });
  }

  engine(): Promise<StackEngine> {
    this.#engine ??= this.#createEngine(this.#composition.variables(this.config));
    return this.#engine;
  }

  /** For what only reads the stacks' state: no local cloud is started for it. */
  async readingEngine(): Promise<Pick<StackEngine, "list" | "outputs">> {
    return this.#engine ?? this.#createEngine(this.#composition.readingVariables(this.config));
  }

  async #createEngine(variables: Promise<Readonly<Record<string, string | undefined>>>): Promise<StackEngine> {
    const { root, onDiagnostic } = this.#composition;
    const [resolved, env] = await Promise.all([this.#composition.resolveEngine(), variables]);
    const { programs } = await import("../../stacks/programs.ts");
    return createPulumiEngine({
      root,
      pulumiCommandPath: resolved.pulumi,
      pulumiVersion: resolved.version,
      env,
      programs,
      policyPack: policyFolder,
      pendingCreates: this.config.cloud === "local" ? "clear" : "refuse",
      onDiagnostic: (stack, { severity, message }) => onDiagnostic(stack, severity, message),
    });
  }

  #googleClient(): Promise<GoogleClient> {
    this.#google ??= this.#composition.variables(this.config).then((env) => createGoogleClient({ env }));
    return this.#google;
  }

  /** Keeps alerts beside the swaps and tells people; nothing is read or sent before it is used. */
  alerts(): AlertDesk {
    const { root, env, clock } = this.#composition;
    const { store } = this.statePlace;
    const config = this.config.alerts ?? alertsConfig.parse({});
    const notifiers = createNotifiers({ targets: config.targets, env, root, clock });
    this.#alerts ??= new AlertDesk({ store, settings: toAlertSettings(config), notifiers, clock });
    return this.#alerts;
  }

  async router(): Promise<TrafficRouter> {
    return createGoogleTrafficRouter({
      client: await this.#googleClient(),
      project: this.project,
      urlMap: this.config.prefix,
      backendPrefix: this.config.prefix,
      platforms: platformNames,
    });
  }

  /** The fencing token in the balancer's map; 0 where there is no map yet. */
  async #lastFence(): Promise<number> {
    try {
      return (await (await this.router()).read(this.#composition.signal)).fence;
    } catch (error) {
      if (error instanceof SwitchyardError && error.code === "traffic-not-found") return 0;
      throw error;
    }
  }

  /** Errors: not-deployed when no balancer listens. */
  async balancer(): Promise<Balancer> {
    const { domain } = this.config;
    const listener = `${this.config.prefix}-https`;
    const hosts = { host: domain, darkHost: `dark.${domain}`, rehearsalHost: `rehearsal.${domain}`, listener };
    if (this.config.cloud !== "local") return { url: `https://${domain}`, ...hosts };
    const { listeners } = await (await this.#composition.localCloud()).status();
    const https = listeners.find(({ name }) => name === listener);
    if (https === undefined) {
      throw new SwitchyardError("not-deployed", {
        message: `Environment ${this.name} has no balancer yet`,
        next: [`To bring it up:   npx switchyard up cloud-run.${this.name} && npx switchyard up traffic.${this.name}`],
      });
    }
    return { url: https.url, ...hosts };
  }

  /**
   * Platforms by name. Their agents are reached through the balancer; where only the traffic stack is being made there is
   * none yet (`balancerNeeded: false`). Errors: not-deployed.
   */
  async platforms({ balancerNeeded = true } = {}): Promise<Readonly<Record<string, Platform>>> {
    const darkHost = `dark.${this.config.domain}`;
    const local = this.config.cloud === "local";
    const baseUrl = local && balancerNeeded ? (await this.balancer()).url : `https://${darkHost}`;
    return createPlatforms({
      route: { baseUrl, darkHost, traceHeaders: this.#traceHeaders },
      groups: createGoogleNetworkEndpointGroups({ client: await this.#googleClient(), project: this.project }),
      clock: this.#composition.clock,
    });
  }

  /** What the local data plane does; undefined on a cloud, whose balancer cannot be asked. */
  async localTraffic(): Promise<LocalTraffic | undefined> {
    if (this.config.cloud !== "local") return undefined;
    return (await this.#composition.localCloud()).traffic(`${this.config.prefix}-https`);
  }

  /** Metrics of the platforms in one model. Errors: invalid-config, credentials-over-http. */
  async platformMetrics(): Promise<PlatformMetrics> {
    const { prefix, cloud } = this.config;
    if (cloud !== "local") {
      const env = await this.#composition.variables(this.config);
      return createGooglePlatformMetrics({ project: this.project, prefix, env, clock: this.#composition.clock });
    }
    const { controlUrl, token } = await this.#composition.localCloud();
    return createLocalPlatformMetrics({ controlUrl, token, listener: `${prefix}-https`, prefix });
  }

  /** How many instances take requests. Errors: those of platformMetrics, metrics-unreachable. */
  async capacity(): Promise<SideCapacity> {
    const metrics = await this.platformMetrics();
    return {
      ready: async (platform, signal) => {
        const { instances } = await metrics.read(platform, this.#composition.clock.wall(), signal);
        return instances.kind === "value" ? instances.value.ready : "unknown";
      },
    };
  }

  /** Settings of a stack that follow from switchyard.yaml. Errors: fail-back-unreachable. */
  async settings(program: string): Promise<ConfigValues> {
    return stackSettings(program, this.config, this.project, await this.#failBackSettings(program));
  }

  /** Undefined where swap.fail_back is off, and before there is a balancer to hand requests through. */
  async #failBackSettings(program: string): Promise<FailBackSettings | undefined> {
    if (this.config.cloud !== "local" || this.config.swap?.fail_back !== true || program === "traffic")
      return undefined;
    const { listeners } = await (await this.#composition.localCloud()).status();
    const balancer = listeners.find(({ name }) => name === `${this.config.prefix}-https`);
    if (balancer === undefined) return undefined;
    const flagUrl = await (await this.#failBack()).flagUrl(program);
    return { flagUrl, routeUrl: balancer.url, routeHost: `dark.${this.config.domain}` };
  }

  async #failBack(): Promise<HttpFailBack> {
    const { controlUrl, token } = await this.#composition.localCloud();
    return createFailBack({ controlUrl, token, scope: this.config.prefix });
  }

  /**
   * An image as the platforms take it: a folder is built, an image with digest is taken as it is. A folder that is given is
   * named from the working folder, as one typed it; that of switchyard.yaml from the root.
   * Errors: image-invalid.
   */
  async image(given: string | undefined): Promise<string> {
    const wanted = given ?? this.config.image;
    if (wanted.includes("@sha256:")) return wanted;
    if (this.config.cloud !== "local") {
      throw new SwitchyardError("image-invalid", {
        message: `${wanted} is not an image with a digest, which ${this.name} needs (name@sha256:…)`,
      });
    }
    const { root } = this.#composition;
    return buildLocalImage(root, given === undefined ? resolve(root, wanted) : resolve(given));
  }

  /** Until the whole data plane has followed a weight, ms, where swap.propagation does not say. */
  async propagationMs(): Promise<number> {
    if (this.config.cloud !== "local") return cloudPropagationMs;
    const { local_cloud } = await this.#composition.config();
    return ((local_cloud?.propagation_delay ?? 0) + (local_cloud?.propagation_spread ?? 0)) * 1_000;
  }

  /** Where the metrics of swap.metrics are asked. Errors: credentials-missing, credentials-over-http. */
  async metricSources(): Promise<Readonly<Record<string, MetricSource>>> {
    const { metrics } = hotSwapConfig.parse(this.config.swap ?? {});
    // The variables that switchyard.yaml names are the user's own; what a local environment sets comes before them.
    const env = { ...this.#composition.env, ...(await this.#composition.variables(this.config)) };
    return createMetricSources({ config: metrics.sources, env, clock: this.#composition.clock });
  }

  /** The finished requests of the environment's users. Errors: not-deployed, credentials-missing. */
  async requestFeed(): Promise<RequestFeed> {
    const balancer = await this.balancer();
    const env = await this.#composition.variables(this.config);
    return this.config.cloud === "local" ? (await this.#localWatch(balancer, env)).feed : this.#logFeed(balancer, env);
  }

  /** What really runs on this environment's platforms. */
  liveResources(): LiveResources {
    return createLiveResources({ engine: () => this.engine(), environment: this.name });
  }

  /** Of what a request that is sent now belongs to. */
  readonly #traceHeaders = (): Readonly<Record<string, string>> => traceHeaders(this.#composition.trace);

  /** The process's tracer, and what happens in it now. */
  get trace(): TraceScope {
    return this.#composition.trace;
  }

  /** Everything that a swap needs beside its lease. Errors: not-deployed, credentials-missing. */
  async swapPorts(): Promise<Omit<RunPorts, "lease"> & { readonly close: () => Promise<void> }> {
    const balancer = await this.balancer();
    const { clock } = this.#composition;
    const local = this.config.cloud === "local";
    const perSecond = this.config.probes_per_second ?? (local ? 1_000 : 20);
    const towards = { baseUrl: balancer.url, traceHeaders: this.#traceHeaders };
    const prober = createHttpProber({ ...towards, host: balancer.host, perSecond });
    const rehearsal = createHttpProber({ ...towards, host: balancer.rehearsalHost, perSecond });
    const synthetic = createSyntheticLoad({ ...towards, host: balancer.host });
    const env = await this.#composition.variables(this.config);
    return {
      engine: await this.engine(),
      router: await this.router(),
      platforms: await this.platforms(),
      platformSettings: (program) => this.settings(program),
      ...(local ? await this.#localWatch(balancer, env) : { feed: this.#logFeed(balancer, env), load: googleSideLoad }),
      prober,
      rehearse: (count, signal) => rehearsal.sample(count, signal),
      synthetic,
      capacity: await this.capacity(),
      metrics: await this.metricSources(),
      live: this.liveResources(),
      random: Math.random,
      clock,
      newRequestId: randomUUID,
      requests: async () => [],
      async close() {
        await Promise.all([prober.close(), rehearsal.close(), synthetic.close()]);
      },
    };
  }

  async #localWatch(balancer: Balancer, env: Variables): Promise<Pick<RunPorts, "feed" | "load" | "failBack">> {
    const cloud = await this.#composition.localCloud();
    const { controlUrl, token } = cloud;
    const { listener } = balancer;
    const { local_cloud } = await this.#composition.config();
    // Entries of the local log come out of order within its delay.
    const times = { settleMs: ((local_cloud?.log_delay ?? 0) + 1) * 1_000, pollMs: localPollMs };
    return {
      feed:
        this.config.request_feed === "logs"
          ? this.#logFeed(balancer, env, times)
          : createLocalRequestFeed({ controlUrl, token, listener }),
      load: createLocalSideLoad(cloud, listener),
      failBack: createFailBack({ controlUrl, token, scope: this.config.prefix }),
    };
  }

  /** The balancer's request logs, which are all that Google's says of itself. */
  #logFeed(
    { darkHost, rehearsalHost }: Balancer,
    env: Variables,
    times: { readonly settleMs?: number; readonly pollMs?: number } = {},
  ): RequestFeed {
    return createGoogleRequestFeed({
      client: createGoogleClient({ env, api: loggingApi }),
      project: this.project,
      urlMap: this.config.prefix,
      backendPrefix: this.config.prefix,
      platforms: platformNames,
      unweightedHosts: [darkHost, rehearsalHost],
      clock: this.#composition.clock,
      ...times,
    });
  }
}

type Variables = Readonly<Record<string, string | undefined>>;

/** No vendor gives a bound; 30 s, 100 s and 5 to 10 minutes were seen (shared research, hot swap 2.6). */
const cloudPropagationMs = 600_000;

/** The local log may be asked as often as one likes. */
const localPollMs = 500;

export function projectOf(config: EnvironmentConfig): string {
  return config.project ?? "switchyard-local";
}
