/** Where instances and pods run. This release has one runtime: operating-system processes on loopback. */

export interface InstanceSpec {
  /** Unique; the pod's or instance's name. */
  readonly name: string;
  /** gke or cloud-run. */
  readonly platform: string;
  /** `<name>@sha256:<digest>` of an image in the local registry. */
  readonly image: string;
  /** The platform's and the workload's environment. PORT and HOST are set by the runtime. */
  readonly env: Readonly<Record<string, string>>;
  /** Further variables whose values are secrets, each by the version's name; read when the instance starts. */
  readonly secretEnv?: Readonly<Record<string, string>>;
  /**
   * Folders of secrets: by the path that variables have for them, files by name, each with the version's name. Written when the
   * instance starts, gone when it has ended. Processes share a file system, so the runtime puts them elsewhere and changes the variables.
   */
  readonly secretFolders?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Replaces the image's start command. */
  readonly command?: readonly string[];
  readonly memoryLimitBytes?: number;
}

export interface InstanceExit {
  readonly name: string;
  readonly platform: string;
  readonly pid: number;
  readonly at: number;
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether it was asked to stop; false is a crash, or that the platform killed it for a fault of its own. */
  readonly expected: boolean;
  /** Why the platform killed it, for example a memory limit or failed liveness probes; absent otherwise. */
  readonly reason?: string;
  /** The last lines of its output, for messages. */
  readonly lastOutput: string;
}

export interface Instance {
  readonly name: string;
  readonly platform: string;
  readonly image: string;
  readonly pid: number;
  readonly port: number;
  /** http://127.0.0.1:PORT */
  readonly origin: string;
  readonly startedAt: number;
  readonly exited: Promise<InstanceExit>;
  readonly hasExited: boolean;
  /**
   * SIGTERM, then SIGKILL when the grace has passed; 0 is SIGKILL at once. Calling it again may only shorten the grace.
   * `fault` says that the instance is ended for a fault of its own (memory limit, failed probes): the exit is then not expected.
   */
  stop(graceMs: number, fault?: string): Promise<InstanceExit>;
}

export interface InstanceUsage {
  readonly name: string;
  readonly platform: string;
  readonly pid: number;
  /** Percent of one core since the last sample. */
  readonly cpuPercent: number;
  /** CPU time used since the process began, ms. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

export interface Runtime {
  /**
   * Starts the process. It is not yet known to listen. Errors: ImageNotFoundError, InstanceStartError.
   * Should its port be taken meanwhile it is started again on another one: read `port` and `origin` when they are needed.
   */
  start(spec: InstanceSpec): Promise<Instance>;
  instances(): readonly Instance[];
  /** Called for every exit; returns the function that ends the subscription. */
  onExit(listener: (exit: InstanceExit) => void): () => void;
  /** Exits after the given sequence number, oldest first; bounded to the last 1,000. */
  exits(): readonly InstanceExit[];
  usage(): Promise<readonly InstanceUsage[]>;
  /** Stops everything within the grace. */
  close(graceMs: number): Promise<void>;
}
