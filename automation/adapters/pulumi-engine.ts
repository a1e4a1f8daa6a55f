/**
 * The real Pulumi engine behind the StackEngine port: inline programs, settings from `Pulumi.yaml` in the root, the same
 * `Pulumi.<stack>.yaml` files and the same backend as the plain CLI.
 */

import { lightenPulumi } from "../../components/shared/light-pulumi.ts";
import { secretsIn } from "../../components/shared/literal-secret.ts";
import { SwitchyardError } from "../errors.ts";
import type {
  ConfigValues,
  StackEngine,
  StackName,
  StackOptions,
  StackResource,
  StackResult,
} from "../ports/stack-engine.ts";
import type { StatelessReport } from "../stateless/scan.ts";
import { openStack, type PulumiFn, PulumiProcessError } from "./pulumi-automation-api.ts";
import { minimumPulumiVersion } from "./pulumi-candidates.ts";
import { writeStackConfig } from "./pulumi-config-file.ts";
import { providersUnreachable, silentProviders } from "./pulumi-debug-providers.ts";
import { engineEnvironment, localPulumiFolders } from "./pulumi-environment.ts";
import { explainPulumiError } from "./pulumi-errors.ts";
import { type Diagnostic, EventFold, readableOutputs } from "./pulumi-events.ts";
import {
  ensureFileBackend,
  fileBackendFolder,
  listStackStates,
  outputsOfState,
  pendingCreates,
  readStackState,
  removeDeadLocks,
  resourcesOfState,
} from "./pulumi-file-backend.ts";
import { ensurePassphraseFile } from "./pulumi-passphrase.ts";
import { PolicyRun, violationError } from "./pulumi-policy.ts";
import { type Environment, runPulumi } from "./pulumi-process.ts";
import { type ListedStack, ownStacks, parseOutputs, parseStackList } from "./pulumi-replies.ts";

export interface PulumiEngineOptions {
  /** The folder of `Pulumi.yaml`; the stacks' `Pulumi.<stack>.yaml` are there too. */
  readonly root: string;
  /** The `pulumi` binary that resolveEngine found. */
  readonly pulumiCommandPath: string;
  /** Its version; default the oldest that resolveEngine takes. */
  readonly pulumiVersion?: string;
  /** The environment's variables. Of the surroundings the engine gets PATH, HOME and the like, and nothing that names an account. */
  readonly env: Environment;
  /** Default process.env. */
  readonly surroundings?: Environment;
  /** Loads a program by the first part of the stack's name. */
  readonly programs: Readonly<Record<string, () => Promise<PulumiFn>>>;
  /** As in `Pulumi.yaml`; default `switchyard`. */
  readonly projectName?: string;
  /** Warnings, errors and notes of engine, providers and programs, as they come. */
  readonly onDiagnostic?: (stack: StackName, diagnostic: Diagnostic) => void;
  /**
   * What to do with creates that a killed run left unanswered: `clear` forgets them (right where providers create again
   * under the same name, as the local cloud does), `refuse` asks a person (right for clouds). Default `refuse`.
   */
  readonly pendingCreates?: "clear" | "refuse";
  /** Folder of the policy pack that every up and preview runs with. Default none: then no result says how stateless it is. */
  readonly policyPack?: string;
  /** How long a cancelled engine may take to finish the resources in flight, ms; default 60 000. */
  readonly cancelGraceMs?: number;
}

type Operation = "up" | "preview" | "refresh" | "destroy";

/** A StackEngine that drives the real engine. Nothing is started or loaded before the first call. */
export function createPulumiEngine(options: PulumiEngineOptions): StackEngine {
  return new PulumiEngine(options);
}

class PulumiEngine implements StackEngine {
  private readonly options: PulumiEngineOptions;
  private readonly project: string;
  private readonly env: Environment;
  private readonly backend: string | undefined;
  /** The last operation per stack, settled or not: the next one begins when it has ended. */
  private readonly queues = new Map<StackName, Promise<void>>();
  private attempts = 0;

  constructor(options: PulumiEngineOptions) {
    this.options = options;
    this.project = options.projectName ?? "switchyard";
    this.env = engineEnvironment(options.surroundings ?? process.env, options.env);
    this.backend = fileBackendFolder(this.env["PULUMI_BACKEND_URL"]);
  }

  up(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("up", stack, options);
  }

  preview(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("preview", stack, options);
  }

  refresh(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("refresh", stack, options);
  }

  destroy(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("destroy", stack, options);
  }

  outputs(stack: StackName): Promise<Readonly<Record<string, unknown>>> {
    return this.queued(stack, undefined, async () => {
      // A CLI call takes 0.2 s, and every `up` reads the outputs of others.
      const state = this.backend === undefined ? undefined : await this.state(stack);
      if (state !== undefined) return readableOutputs(outputsOfState(state));
      return readableOutputs(parseOutputs(await this.run(stack, ["stack", "output", "--json", "--stack", stack])));
    });
  }

  resources(stack: StackName): Promise<readonly StackResource[]> {
    return this.queued(stack, undefined, async () => {
      const state = await this.state(stack);
      if (state?.includes('"ciphertext"') === true)
        return resourcesOfState(await this.run(stack, ["stack", "export", "--show-secrets", "--stack", stack]));
      if (state !== undefined) return resourcesOfState(state);
      throw new SwitchyardError("stack-not-found", { message: `There is no stack "${stack}" in this backend` });
    });
  }

  async list(): Promise<readonly ListedStack[]> {
    if (this.backend !== undefined) return ownStacks(await listStackStates(this.backend, this.project));
    return parseStackList(await this.run(undefined, ["stack", "ls", "--json"]));
  }

  configure(stack: StackName, config: ConfigValues): Promise<void> {
    return this.queued(stack, undefined, async () => {
      if ((await this.state(stack)) === undefined) await this.create(stack);
      await writeStackConfig(this.options.root, stack, config);
    });
  }

  /** One operation per stack at a time, in the order of the calls. */
  private async queued<T>(stack: StackName, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const turn = (this.queues.get(stack) ?? Promise.resolve()).then(() => {
      // An operation that was given up while it waited never starts.
      if (signal?.aborted) throw explainPulumiError(signal.reason, { stack, cancelled: true });
      return work();
    });
    const ended = turn.then(
      () => undefined,
      () => undefined,
    );
    this.queues.set(stack, ended);
    try {
      return await turn;
    } finally {
      if (this.queues.get(stack) === ended) this.queues.delete(stack);
    }
  }

  private operate(operation: Operation, stack: StackName, options: StackOptions): Promise<StackResult> {
    return this.queued(stack, options.signal, async () => {
      const started = performance.now();
      lightenPulumi();
      const program = operation === "up" || operation === "preview" ? await this.program(stack) : undefined;
      const state = await this.state(stack);
      // A first try on an absent stack would cost 0.10 s; refresh and destroy leave it to the engine to say that there is none.
      if (state === undefined && program !== undefined) await this.create(stack);
      if (options.config !== undefined && (state !== undefined || program !== undefined)) {
        await writeStackConfig(this.options.root, stack, options.config);
      }
      if (state !== undefined && operation !== "preview") await this.settlePendingCreates(stack, state, options);
      const { fold, stateless } = await this.unlocking(stack, () => this.attempt(operation, stack, options, program));
      const { outputs, changes } = fold.summary();
      const durationMs = performance.now() - started;
      return { stack, outputs, changes, durationMs, ...(stateless === undefined ? {} : { stateless }) };
    });
  }

  /** Runs the work; where it meets the lock of a process that has died on this host, it removes that lock and runs it once more. */
  private async unlocking<T>(stack: StackName, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const locked = error instanceof SwitchyardError && error.code === "stack-locked";
      if (!locked || this.backend === undefined) throw error;
      if ((await removeDeadLocks(this.backend, this.project, stack)).length === 0) throw error;
      return await work();
    }
  }

  private async attempt(
    operation: Operation,
    stack: StackName,
    options: StackOptions,
    program: PulumiFn | undefined,
    clearPendingCreates = false,
  ): Promise<{ readonly fold: EventFold; readonly stateless: StatelessReport | undefined }> {
    const fold = new EventFold(stack, secretsIn(this.env));
    const policy = program === undefined ? undefined : await this.policyRun(stack);
    // The Automation API takes a listener's error for an event that it cannot read, and goes on with a warning.
    const listenerErrors: unknown[] = [];
    try {
      await this.prepare();
      const silent = await silentProviders(this.env["PULUMI_DEBUG_PROVIDERS"]);
      if (silent.length > 0) throw providersUnreachable(silent);
      const handle = await openStack({
        root: this.options.root,
        stack,
        command: this.options.pulumiCommandPath,
        version: this.options.pulumiVersion ?? minimumPulumiVersion,
        env: policy?.environment(this.env) ?? this.env,
        ...(program === undefined ? {} : { program }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        cancelGraceMs: this.options.cancelGraceMs ?? 60_000,
      });
      const settings = {
        color: "never" as const,
        ...(policy === undefined ? {} : { policyPacks: [policy.folder] }),
        onEvent: (event: Parameters<EventFold["take"]>[0]) => {
          const { progress, diagnostic } = fold.take(event);
          try {
            if (diagnostic !== undefined) this.options.onDiagnostic?.(stack, diagnostic);
            if (progress !== undefined) options.onProgress?.(progress);
          } catch (error) {
            listenerErrors.push(error);
          }
        },
      };
      if (operation === "refresh" && clearPendingCreates) await handle.refresh({ ...settings, clearPendingCreates });
      else await handle[operation](settings);
    } catch (error) {
      const report = await policy?.take();
      const { violations } = fold.summary();
      if (violations.length > 0 && options.signal?.aborted !== true)
        throw violationError(stack, report, violations, error);
      throw explainPulumiError(error, {
        stack,
        operation,
        root: this.options.root,
        cancelled: options.signal?.aborted === true,
        events: fold.summary(),
      });
    }
    const stateless = await policy?.take();
    if (listenerErrors.length > 0) throw listenerErrors[0];
    return { fold, stateless };
  }

  private async policyRun(stack: StackName): Promise<PolicyRun | undefined> {
    const { policyPack, root } = this.options;
    if (policyPack === undefined) return undefined;
    this.attempts += 1;
    return await PolicyRun.in(localPulumiFolders(root).base, policyPack, `${stack}-${this.attempts}`);
  }

  /**
   * A killed engine leaves "create begun, end unknown" in the state. Later runs only warn and keep the entry, and the resource
   * is created a second time. Pending updates and deletes need nothing: the refresh before each `up` reads what is there.
   */
  private async settlePendingCreates(stack: StackName, state: string, options: StackOptions): Promise<void> {
    const pending = pendingCreates(state);
    if (pending.length === 0) return;
    if (this.options.pendingCreates !== "clear") {
      throw new SwitchyardError("stack-interrupted", {
        message: `An earlier run of stack ${stack} was killed while it created ${pending.join(", ")}; whether they exist is not known`,
        next: [
          `If a resource exists, adopt it: pulumi refresh --import-pending-creates URN,ID --stack ${stack}`,
          `If none exists, forget them: pulumi refresh --clear-pending-creates --stack ${stack}`,
        ],
        data: { stack, pending },
      });
    }
    await this.unlocking(stack, () => this.attempt("refresh", stack, options, undefined, true));
  }

  /** The stack's state as text; undefined when there is no such stack. A `file://` backend's is read in 1 ms, any other costs a CLI call. */
  private async state(stack: StackName): Promise<string | undefined> {
    if (this.backend !== undefined) return await readStackState(this.backend, this.project, stack);
    try {
      return await this.run(stack, ["stack", "export", "--stack", stack]);
    } catch (error) {
      if (error instanceof SwitchyardError && error.code === "stack-not-found") return undefined;
      throw error;
    }
  }

  /** 0.25 s, once in a stack's life. It also puts the passphrase's salt into `Pulumi.<stack>.yaml`. */
  private async create(stack: StackName): Promise<void> {
    await this.run(stack, ["stack", "init", stack, "--no-select"]);
  }

  private async program(stack: StackName): Promise<PulumiFn> {
    const name = stack.slice(0, stack.indexOf("."));
    const load = Object.hasOwn(this.options.programs, name) ? this.options.programs[name] : undefined;
    if (load === undefined) {
      throw new SwitchyardError("unknown-stack", {
        message: `There is no program "${name}" for stack "${stack}"; programs: ${Object.keys(this.options.programs).join(", ")}`,
      });
    }
    return await load();
  }

  /** What Pulumi expects to be there, and takes 0.1 s to say that it is not. */
  private async prepare(): Promise<void> {
    if (this.backend !== undefined) await ensureFileBackend(this.backend);
    const local = localPulumiFolders(this.options.root).passphraseFile;
    if (this.env["PULUMI_CONFIG_PASSPHRASE_FILE"] === local) await ensurePassphraseFile(local);
  }

  /** A plain CLI call; returns what it printed. */
  private async run(stack: StackName | undefined, args: readonly string[]): Promise<string> {
    const all = [...args, "--non-interactive", "--color", "never"];
    try {
      await this.prepare();
      const { pulumiCommandPath, root } = this.options;
      const result = await runPulumi(pulumiCommandPath, { args: all, cwd: root, env: this.env });
      if (result.code !== 0) throw new PulumiProcessError(all, result, this.env);
      return result.stdout;
    } catch (error) {
      throw explainPulumiError(error, { ...(stack === undefined ? {} : { stack }), root: this.options.root });
    }
  }
}
