/**
 * The only wiring: which adapter stands behind which port. Everything that is particular to the local cloud is set here,
 * in the way that any user could set it: endpoints, the providers' variable, a token.
 */
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { createFailBack, type HttpFailBack } from "../adapters/fail-back-http.ts";
import { createGoogleClient, type GoogleClient } from "../adapters/google-client.ts";
import { createGoogleNetworkEndpointGroups } from "../adapters/google-network-endpoint-groups.ts";
import { createGoogleRequestFeed, googleSideLoad, loggingApi } from "../adapters/google-request-feed.ts";
import { createGoogleTrafficRouter } from "../adapters/google-traffic-router.ts";
import { createHttpProber } from "../adapters/http-prober.ts";
import { createSyntheticLoad } from "../adapters/http-synthetic-load.ts";
import {
  createLocalSideLoad,
  findLocalCloud,
  type LocalCloud,
  type LocalTraffic,
  startLocalCloud,
} from "../adapters/local-cloud.ts";
import { createLocalRequestFeed } from "../adapters/local-request-feed.ts";
import { createMetricSources } from "../adapters/metric-sources.ts";
import { nodeFileSystem } from "../adapters/node-file-system.ts";
import { operatingSystemProcesses } from "../adapters/operating-system-processes.ts";
import { createPlatforms, platformNames } from "../adapters/platforms.ts";
import { createPulumiEngine } from "../adapters/pulumi-engine.ts";
import { cloudEnvironment, engineEnvironment, localEnvironment, localUnset } from "../adapters/pulumi-environment.ts";
import {
  type EngineProgress,
  lookForEngine,
  type ResolvedEngine,
  resolveEngine,
  resolveLanguageHost,
} from "../adapters/pulumi-resolver.ts";
import { createStateStore } from "../adapters/state-stores.ts";
import { systemClock } from "../adapters/system-clock.ts";
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Platform } from "../ports/platform.ts";
import type { ConfigValues, StackEngine, StackName } from "../ports/stack-engine.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { TrafficRouter } from "../ports/traffic-router.ts";
import type { RunPorts } from "../swap/run-ports.ts";
import { hotSwapConfig } from "../swap/settings.ts";
import { SwapStore } from "../swap/store.ts";
import { type ConfigFile, type EnvironmentConfig, loadConfig } from "./config-file.ts";
import { type FailBackSettings, stackSettings } from "./stack-settings.ts";

export { platformNames };

/** What a command may tell the user while things start. */
export interface ComposeListener {
  onEngine?(progress: EngineProgress): void;
  onEngineReady?(engine: ResolvedEngine): void;
  onLocalCloud?(cloud: LocalCloud, started: boolean, owned: boolean): void;
  onDiagnostic?(stack: StackName, severity: string, text: string): void;
}

export interface ComposeOptions {
  /** The checkout. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly listener?: ComposeListener;
  /** The local cloud ends with this process (demo, tests). Default false. */
  readonly ownLocalCloud?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** The state of swaps is kept in files, whatever the configuration says (demo). Default false. */
  readonly stateInFiles?: boolean;
}

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

export class Composition {
  readonly root: string;
  readonly files = nodeFileSystem;
  readonly processes = operatingSystemProcesses;
  readonly clock = systemClock;
  readonly #options: ComposeOptions;
  readonly #env: NodeJS.ProcessEnv;
  #config: Promise<ConfigFile> | undefined;
  #engine: Promise<ResolvedEngine> | undefined;
  #cloud: Promise<LocalCloud> | undefined;

  constructor(options: ComposeOptions) {
    this.root = options.root;
    this.#options = options;
    this.#env = options.env ?? process.env;
  }

  async config(): Promise<ConfigFile> {
    this.#config ??= loadConfig(this.files, this.root).then((loaded) => loaded.config);
    return this.#config;
  }

  /** Errors: unknown-environment. */
  async environment(name: string): Promise<Environment> {
    const { environments } = await this.config();
    const config = environments[name];
    if (config === undefined) {
      const known = Object.keys(environments);
      throw new SwitchyardError("unknown-environment", {
        message: `There is no environment ${name}; known: ${known.join(", ")}${nearest(name, known)}`,
      });
    }
    return new Environment(this, name, config);
  }

  /** Errors: engine-missing. */
  resolveEngine(): Promise<ResolvedEngine> {
    const { listener, signal } = this.#options;
    this.#engine ??= resolveEngine({
      env: this.#env,
      signal,
      onProgress: (progress) => listener?.onEngine?.(progress),
    }).then((engine) => {
      listener?.onEngineReady?.(engine);
      return engine;
    });
    return this.#engine;
  }

  /** The running local cloud; started when there is none. */
  localCloud(): Promise<LocalCloud> {
    this.#cloud ??= this.#findOrStart();
    return this.#cloud;
  }

  /** The running local cloud, if any; never started. */
  findLocalCloud(): Promise<LocalCloud | undefined> {
    return findLocalCloud(this.root);
  }

  async #findOrStart(): Promise<LocalCloud> {
    const owned = this.#options.ownLocalCloud ?? false;
    const { local_cloud: wanted } = await this.config();
    const settings = wanted && {
      propagationDelayMs: wanted.propagation_delay * 1_000,
      propagationSpreadMs: wanted.propagation_spread * 1_000,
      propagationInOrder: wanted.propagation_in_order,
      routerWorkers: wanted.router_workers,
      logDelayMs: wanted.log_delay * 1_000,
      coldStartDelayMs: wanted.cold_start_delay * 1_000,
      negDelayMs: wanted.neg_delay * 1_000,
    };
    const running = await findLocalCloud(this.root);
    const cloud =
      running ??
      (await startLocalCloud({
        root: this.root,
        program: join(import.meta.dirname, "..", "..", "local", "daemon", "main.ts"),
        owned,
        // From the start: listeners that come back open with the workers that are wanted.
        ...(settings && { settings }),
      }));
    if (settings !== undefined) await cloud.configure(settings);
    this.#options.listener?.onLocalCloud?.(cloud, running === undefined, owned);
    return cloud;
  }

  get options(): ComposeOptions {
    return this.#options;
  }

  /** Variables that a shell must not keep beside a local environment's. */
  readonly localUnset = localUnset;

  /** The engine if it is there; nothing is downloaded or built. */
  lookForEngine(): Promise<ResolvedEngine | undefined> {
    return lookForEngine({ env: this.#env });
  }

  /** The path of the Node language host, which only the plain Pulumi CLI needs. Errors: engine-missing. */
  async resolveLanguageHost(): Promise<string> {
    const { signal, listener } = this.#options;
    return resolveLanguageHost({
      env: this.#env,
      engine: await this.resolveEngine(),
      signal,
      onProgress: (progress) => listener?.onEngine?.(progress),
    });
  }

  /** The variables that a local environment sets; nothing of the surroundings. */
  async localVariables(config: EnvironmentConfig): Promise<Readonly<Record<string, string>>> {
    const { providers, googleEndpoint, token } = await this.localCloud();
    return localEnvironment({
      root: this.root,
      cloud: { providers, googleEndpoint, token },
      project: projectOf(config),
      region: config.region,
    });
  }

  /** As `variables`, without a local cloud: enough to read the state of stacks. */
  async readingVariables(config: EnvironmentConfig): Promise<Readonly<Record<string, string | undefined>>> {
    if (config.cloud !== "local") return cloudEnvironment({ env: this.#env });
    const { PULUMI_DEBUG_PROVIDERS: _providers, ...rest } = localEnvironment({
      root: this.root,
      cloud: { providers: {}, googleEndpoint: "http://127.0.0.1", token: "" },
    });
    return engineEnvironment(this.#env, rest);
  }

  /** The whole environment that an environment's engine and clients run with. */
  async variables(config: EnvironmentConfig): Promise<Readonly<Record<string, string | undefined>>> {
    if (config.cloud !== "local") return cloudEnvironment({ env: this.#env });
    return engineEnvironment(this.#env, await this.localVariables(config));
  }
}

/** One environment with its ports, made when first asked for. */
export class Environment {
  readonly name: string;
  readonly config: EnvironmentConfig;
  readonly store: SwapStore;
  /** For what works on the state store itself. */
  readonly statePlace: { readonly store: StateStore; readonly files: FileSystem; readonly folder: string };
  readonly #composition: Composition;
  #engine: Promise<StackEngine> | undefined;
  #google: Promise<GoogleClient> | undefined;

  constructor(composition: Composition, name: string, config: EnvironmentConfig) {
    this.#composition = composition;
    this.name = name;
    this.config = config;
    const { root, files, processes, clock, options } = composition;
    const folder = join(root, ".switchyard", "environments", name);
    const local = config.cloud === "local";
    const store = createStateStore(options.stateInFiles ? undefined : config.state, {
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

  engine(): Promise<StackEngine> {
    this.#engine ??= this.#createEngine(this.#composition.variables(this.config));
    return this.#engine;
  }

  /** For what only reads the stacks' state: no local cloud is started for it. */
  async readingEngine(): Promise<Pick<StackEngine, "list" | "outputs">> {
    return this.#engine ?? this.#createEngine(this.#composition.readingVariables(this.config));
  }

  async #createEngine(variables: Promise<Readonly<Record<string, string | undefined>>>): Promise<StackEngine> {
    const { root, options } = this.#composition;
    const [resolved, env] = await Promise.all([this.#composition.resolveEngine(), variables]);
    const { programs } = await import("../../stacks/programs.ts");
    return createPulumiEngine({
      root,
      pulumiCommandPath: resolved.pulumi,
      pulumiVersion: resolved.version,
      env,
      programs,
      pendingCreates: this.config.cloud === "local" ? "clear" : "refuse",
      onDiagnostic: (stack, diagnostic) =>
        options.listener?.onDiagnostic?.(stack, diagnostic.severity, diagnostic.message),
    });
  }

  #googleClient(): Promise<GoogleClient> {
    this.#google ??= this.#composition.variables(this.config).then((env) => createGoogleClient({ env }));
    return this.#google;
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
      return (await (await this.router()).read(this.#composition.options.signal)).fence;
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
      route: { baseUrl, darkHost },
      groups: createGoogleNetworkEndpointGroups({ client: await this.#googleClient(), project: this.project }),
      clock: this.#composition.clock,
    });
  }

  /** What the local data plane does; undefined on a cloud, whose balancer cannot be asked. */
  async localTraffic(): Promise<LocalTraffic | undefined> {
    if (this.config.cloud !== "local") return undefined;
    return (await this.#composition.localCloud()).traffic(`${this.config.prefix}-https`);
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

  /** Everything that a swap needs beside its lease. Errors: not-deployed, credentials-missing. */
  async swapPorts(): Promise<Omit<RunPorts, "lease"> & { readonly close: () => Promise<void> }> {
    const balancer = await this.balancer();
    const { clock } = this.#composition;
    const local = this.config.cloud === "local";
    const perSecond = this.config.probes_per_second ?? (local ? 1_000 : 20);
    const prober = createHttpProber({ baseUrl: balancer.url, host: balancer.host, perSecond });
    const rehearsal = createHttpProber({ baseUrl: balancer.url, host: balancer.rehearsalHost, perSecond });
    const synthetic = createSyntheticLoad({ baseUrl: balancer.url, host: balancer.host });
    const { metrics } = hotSwapConfig.parse(this.config.swap ?? {});
    const env = await this.#composition.variables(this.config);
    return {
      engine: await this.engine(),
      router: await this.router(),
      platforms: await this.platforms(),
      platformSettings: (program) => this.settings(program),
      ...(local ? await this.#localWatch(balancer.listener) : this.#googleWatch(balancer, env)),
      prober,
      rehearse: (count, signal) => rehearsal.sample(count, signal),
      synthetic,
      metrics: createMetricSources({ config: metrics.sources, env, clock }),
      random: Math.random,
      clock,
      newRequestId: randomUUID,
      requests: async () => [],
      async close() {
        await Promise.all([prober.close(), rehearsal.close(), synthetic.close()]);
      },
    };
  }

  async #localWatch(listener: string): Promise<Pick<RunPorts, "feed" | "load" | "failBack">> {
    const cloud = await this.#composition.localCloud();
    const { controlUrl, token } = cloud;
    return {
      feed: createLocalRequestFeed({ controlUrl, token, listener }),
      load: createLocalSideLoad(cloud, listener),
      failBack: createFailBack({ controlUrl, token, scope: this.config.prefix }),
    };
  }

  /** What Google's balancer says of itself: its request logs, and nothing of what is in flight. */
  #googleWatch(
    { darkHost, rehearsalHost }: Balancer,
    env: Readonly<Record<string, string | undefined>>,
  ): Pick<RunPorts, "feed" | "load"> {
    const feed = createGoogleRequestFeed({
      client: createGoogleClient({ env, api: loggingApi }),
      project: this.project,
      urlMap: this.config.prefix,
      backendPrefix: this.config.prefix,
      platforms: platformNames,
      unweightedHosts: [darkHost, rehearsalHost],
      clock: this.#composition.clock,
    });
    return { feed, load: googleSideLoad };
  }
}

function projectOf(config: EnvironmentConfig): string {
  return config.project ?? "switchyard-local";
}

/** Builds a folder into the local registry of the root. Errors: image-invalid. */
export async function buildLocalImage(root: string, folder: string): Promise<string> {
  const { buildImage, ImageInvalidError } = await import("../../local/registry/image.ts");
  try {
    const built = await buildImage({
      folder,
      imagesDirectory: join(root, ".switchyard", "images"),
    });
    return built.image;
  } catch (error) {
    if (!(error instanceof ImageInvalidError)) throw error;
    throw new SwitchyardError("image-invalid", { message: error.message, cause: error });
  }
}
