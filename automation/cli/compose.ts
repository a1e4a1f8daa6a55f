/**
 * The only wiring: which adapter stands behind which port. Everything that is particular to the local cloud is set here,
 * in the way that any user could set it: endpoints, the providers' variable, a token.
 */
import { randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { createGoogleClient, type GoogleClient } from "../adapters/google-client.ts";
import { createGoogleNetworkEndpointGroups } from "../adapters/google-network-endpoint-groups.ts";
import { createGoogleTrafficRouter } from "../adapters/google-traffic-router.ts";
import { createHttpProber } from "../adapters/http-prober.ts";
import {
  createLocalSideLoad,
  findLocalCloud,
  type LocalCloud,
  type LocalTraffic,
  startLocalCloud,
} from "../adapters/local-cloud.ts";
import { createLocalRequestFeed } from "../adapters/local-request-feed.ts";
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
import { systemClock } from "../adapters/system-clock.ts";
import { SwitchyardError } from "../errors.ts";
import type { Platform } from "../ports/platform.ts";
import type { ConfigValues, StackEngine, StackName } from "../ports/stack-engine.ts";
import type { TrafficRouter } from "../ports/traffic-router.ts";
import type { RunPorts } from "../swap/run.ts";
import { SwapStore } from "../swap/store.ts";
import { type ConfigFile, type EnvironmentConfig, loadConfig } from "./config-file.ts";
import { nearest } from "./nearest.ts";
import { stackSettings } from "./stack-settings.ts";

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
}

/** Where the balancer answers. */
export interface Balancer {
  /** http://127.0.0.1:PORT or https://DOMAIN */
  readonly url: string;
  readonly host: string;
  readonly darkHost: string;
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
    const running = await findLocalCloud(this.root);
    const cloud =
      running ??
      (await startLocalCloud({
        root: this.root,
        program: join(import.meta.dirname, "..", "..", "local", "daemon", "main.ts"),
        owned,
      }));
    const { local_cloud: times } = await this.config();
    if (times !== undefined) {
      await cloud.configure({
        propagationDelayMs: times.propagation_delay * 1_000,
        coldStartDelayMs: times.cold_start_delay * 1_000,
        negDelayMs: times.neg_delay * 1_000,
      });
    }
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
  readonly #composition: Composition;
  #engine: Promise<StackEngine> | undefined;
  #google: Promise<GoogleClient> | undefined;

  constructor(composition: Composition, name: string, config: EnvironmentConfig) {
    this.#composition = composition;
    this.name = name;
    this.config = config;
    this.store = new SwapStore(composition.files, composition.processes, composition.root, name);
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

  /** Errors: not-deployed when no balancer listens. */
  async balancer(): Promise<Balancer> {
    const { domain } = this.config;
    const hosts = { host: domain, darkHost: `dark.${domain}` };
    if (this.config.cloud !== "local") return { url: `https://${domain}`, ...hosts };
    const { listeners } = await (await this.#composition.localCloud()).status();
    const https = listeners.find((listener) => listener.name === `${this.config.prefix}-https`);
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
    return this.config.cloud === "local" ? (await this.#composition.localCloud()).traffic() : undefined;
  }

  /** Settings of a stack that follow from switchyard.yaml. */
  settings(program: string): ConfigValues {
    return stackSettings(program, this.config, this.project);
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

  /** Everything that a swap needs. Errors: not-on-this-cloud, not-deployed. */
  async swapPorts(): Promise<RunPorts & { readonly close: () => Promise<void> }> {
    if (this.config.cloud !== "local") {
      throw new SwitchyardError("not-on-this-cloud", {
        message: `Swaps need a feed of finished requests; for Google Cloud it is not there yet, so ${this.name} cannot swap`,
        next: "To move weights by hand, see docs/architecture.md, section Who owns the weights",
      });
    }
    const cloud = await this.#composition.localCloud();
    const balancer = await this.balancer();
    const others = (await cloud.status()).listeners.filter(
      ({ name }) => name.endsWith("-https") && name !== `${this.config.prefix}-https`,
    );
    if (others.length > 0) {
      throw new SwitchyardError("environment-in-use", {
        message: `The local cloud serves another balancer too (${others.map(({ name }) => name).join(", ")}), and its feed of requests does not tell the two apart yet`,
        next: "To go on, destroy the traffic stack of the other environment",
      });
    }
    const { clock } = this.#composition;
    const prober = createHttpProber({
      baseUrl: balancer.url,
      host: balancer.host,
      perSecond: this.config.probes_per_second ?? 1_000,
    });
    return {
      engine: await this.engine(),
      router: await this.router(),
      platforms: await this.platforms(),
      platformSettings: (program) => this.settings(program),
      feed: createLocalRequestFeed({ controlUrl: cloud.controlUrl, token: cloud.token }),
      prober,
      load: createLocalSideLoad(cloud),
      clock,
      newRequestId: randomUUID,
      requests: async () => [],
      close: () => prober.close(),
    };
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
