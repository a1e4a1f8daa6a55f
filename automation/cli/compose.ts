import { join } from "node:path";
import { findLocalCloud, type LocalCloud, startLocalCloud } from "../adapters/local-cloud.ts";
import { manifestFiles } from "../adapters/manifest-files.ts";
import { nodeFileSystem } from "../adapters/node-file-system.ts";
import { operatingSystemProcesses } from "../adapters/operating-system-processes.ts";
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
import { type AuditLog, createAuditLog } from "../audit/log.ts";
import { SwitchyardError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { StackName } from "../ports/stack-engine.ts";
import { type TraceScope, untraced } from "../ports/tracer.ts";
import {
  Environment,
  type EnvironmentSurroundings,
  platformNames,
  policyFolder,
  projectOf,
} from "./compose-environment.ts";
import { type ConfigFile, type EnvironmentConfig, loadConfig } from "./config-file.ts";

export { Environment, platformNames, policyFolder };

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
  /** What requests to the agent belong to. Default: nothing is traced. */
  readonly trace?: TraceScope;
  /** The state of swaps is kept in files, whatever the configuration says (demo). Default false. */
  readonly stateInFiles?: boolean;
}

export class Composition implements EnvironmentSurroundings {
  readonly root: string;
  readonly files = nodeFileSystem;
  readonly manifests = manifestFiles;
  readonly processes = operatingSystemProcesses;
  readonly clock = systemClock;
  readonly #options: ComposeOptions;
  readonly #env: NodeJS.ProcessEnv;
  #config: Promise<ConfigFile> | undefined;
  #engine: Promise<ResolvedEngine> | undefined;
  #cloud: Promise<LocalCloud> | undefined;
  readonly #opened: Environment[] = [];

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
    const environment = new Environment(this, name, config);
    this.#opened.push(environment);
    return environment;
  }

  /** Those that were asked for, in order. */
  get opened(): readonly Environment[] {
    return this.#opened;
  }

  /** The process's own variables; secrets are referred to by their names. */
  get env(): Readonly<Record<string, string | undefined>> {
    return this.#env;
  }

  /** Where what concerns the whole checkout is written down (init, local start). */
  auditLog(): AuditLog {
    const folder = join(this.root, ".switchyard");
    return createAuditLog({
      store: createStateStore(undefined, { environment: "checkout", files: this.files, folder }),
      verify: "npx switchyard audit verify",
      setAside: "npx switchyard audit set-aside --checkout --reason WHY",
    });
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

  get stateInFiles(): boolean {
    return this.#options.stateInFiles ?? false;
  }

  get trace(): TraceScope {
    return this.#options.trace ?? untraced;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  readonly onDiagnostic = (stack: StackName, severity: string, text: string): void => {
    this.#options.listener?.onDiagnostic?.(stack, severity, text);
  };

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
