/** A StackEngine in memory: programs are functions from settings to resources and outputs. Passes the port's contract suite. */
import { SwitchyardError } from "../../automation/errors.ts";
import type {
  ConfigValues,
  StackEngine,
  StackName,
  StackOptions,
  StackProgress,
  StackResource,
  StackResult,
} from "../../automation/ports/stack-engine.ts";

export interface FakeDeclaration {
  /** Inputs by the resource's name, in the order of creation. */
  readonly resources: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, unknown>>;
}

export type FakeProgram = (config: ConfigValues) => FakeDeclaration;

export interface FakeStackEngineOptions {
  /** By the first part of the stack's name. */
  readonly programs: Readonly<Record<string, FakeProgram>>;
  /** Awaited before each create, update and delete; what it throws is the provider's error. */
  readonly onChange?: (stack: StackName, operation: "create" | "update" | "delete", resource: string) => Promise<void>;
  /** ms since the epoch; default: a counter, so that runs are the same. */
  readonly now?: () => number;
}

interface FakeStack {
  config: ConfigValues;
  readonly resources: Map<string, string>;
  outputs: Readonly<Record<string, unknown>>;
  updatedAt: string | undefined;
}

export class FakeStackEngine implements StackEngine {
  /** Operations in the order in which they began, `up gke.local`. */
  readonly calls: string[] = [];
  private readonly options: FakeStackEngineOptions;
  private readonly stacks = new Map<StackName, FakeStack>();
  private readonly queues = new Map<StackName, Promise<unknown>>();
  private ticks = 0;

  constructor(options: FakeStackEngineOptions) {
    this.options = options;
  }

  up(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("up", stack, options, async (state) => {
      const declared = this.program(stack)(state.config);
      const changes = await this.apply(stack, state, declared, options);
      state.outputs = declared.outputs;
      return changes;
    });
  }

  preview(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("preview", stack, options, async (state) => {
      const declared = this.program(stack)(state.config);
      const copy: FakeStack = { ...state, resources: new Map(state.resources) };
      return this.apply(stack, copy, declared, { ...options, preview: true });
    });
  }

  refresh(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("refresh", stack, options, async (state) => ({ same: state.resources.size }));
  }

  destroy(stack: StackName, options: StackOptions = {}): Promise<StackResult> {
    return this.operate("destroy", stack, options, async (state) => {
      const changes = await this.apply(stack, state, { resources: {}, outputs: {} }, options);
      state.outputs = {};
      return changes;
    });
  }

  async outputs(stack: StackName): Promise<Readonly<Record<string, unknown>>> {
    return this.queued(stack, async () => this.existing(stack).outputs);
  }

  async resources(stack: StackName): Promise<readonly StackResource[]> {
    return this.queued(stack, async () =>
      [...this.existing(stack).resources].map(([name, inputs]) => {
        const custom = name !== stack;
        const type = custom ? "fake:index:Thing" : "pulumi:pulumi:Stack";
        const members = JSON.parse(inputs);
        return {
          urn: `urn:pulumi:${stack}::switchyard::${type}::${name}`,
          type,
          custom,
          inputs: members,
          outputs: members,
        };
      }),
    );
  }

  async list(): Promise<readonly { stack: StackName; resources: number; updatedAt: string | undefined }[]> {
    return [...this.stacks]
      .map(([stack, { resources, updatedAt }]) => ({ stack, resources: resources.size, updatedAt }))
      .sort((a, b) => a.stack.localeCompare(b.stack));
  }

  async configure(stack: StackName, config: ConfigValues): Promise<void> {
    await this.queued(stack, async () => {
      const state = this.stacks.get(stack) ?? this.create(stack);
      state.config = { ...state.config, ...config };
    });
  }

  private operate(
    operation: "up" | "preview" | "refresh" | "destroy",
    stack: StackName,
    options: StackOptions,
    work: (state: FakeStack) => Promise<Readonly<Record<string, number>>>,
  ): Promise<StackResult> {
    return this.queued(stack, async () => {
      if (options.signal?.aborted) throw cancelled(stack);
      this.calls.push(`${operation} ${stack}`);
      const runsProgram = operation === "up" || operation === "preview";
      if (runsProgram) this.program(stack);
      const state = runsProgram ? (this.stacks.get(stack) ?? this.create(stack)) : this.existing(stack);
      if (options.config !== undefined) state.config = { ...state.config, ...options.config };
      const started = this.now();
      const changes = await work(state);
      if (operation !== "preview") state.updatedAt = new Date(this.now()).toISOString();
      return { stack, outputs: state.outputs, changes, durationMs: this.now() - started };
    });
  }

  private async apply(
    stack: StackName,
    state: FakeStack,
    declared: FakeDeclaration,
    options: StackOptions & { readonly preview?: boolean },
  ): Promise<Readonly<Record<string, number>>> {
    const changes: Record<string, number> = {};
    // The engine counts the stack itself among its resources.
    const wanted = new Map<string, unknown>(Object.entries(declared.resources));
    if (wanted.size > 0) wanted.set(stack, {});
    const gone = [...state.resources.keys()].filter((name) => !wanted.has(name)).reverse();
    const steps = [
      ...[...wanted.keys()].map((name) => ({ name, gone: false })),
      ...gone.map((name) => ({ name, gone: true })),
    ];
    for (const { name, gone: remove } of steps) {
      const before = state.resources.get(name);
      const after = JSON.stringify(wanted.get(name));
      const operation = remove ? "delete" : before === undefined ? "create" : before === after ? "same" : "update";
      const say = (progress: StackProgress["state"]) =>
        options.onProgress?.({ stack, operation, resource: name, state: progress });
      if (options.signal?.aborted) throw cancelled(stack);
      if (operation !== "same" && options.preview !== true && name !== stack) {
        say("started");
        await this.options.onChange?.(stack, operation, name).catch((error: unknown) => {
          say("failed");
          throw resourceFailed(stack, name, error);
        });
      }
      if (remove) state.resources.delete(name);
      else state.resources.set(name, after);
      if (name !== stack) say("done");
      changes[operation] = (changes[operation] ?? 0) + 1;
    }
    return changes;
  }

  private program(stack: StackName): FakeProgram {
    const name = stack.slice(0, stack.indexOf("."));
    const program = Object.hasOwn(this.options.programs, name) ? this.options.programs[name] : undefined;
    if (program !== undefined) return program;
    throw new SwitchyardError("unknown-stack", { message: `There is no program "${name}" for stack "${stack}"` });
  }

  private create(stack: StackName): FakeStack {
    const state: FakeStack = { config: {}, resources: new Map(), outputs: {}, updatedAt: undefined };
    this.stacks.set(stack, state);
    return state;
  }

  private existing(stack: StackName): FakeStack {
    const state = this.stacks.get(stack);
    if (state !== undefined) return state;
    throw new SwitchyardError("stack-not-found", { message: `There is no stack "${stack}"` });
  }

  private queued<T>(stack: StackName, work: () => Promise<T>): Promise<T> {
    const turn = (this.queues.get(stack) ?? Promise.resolve()).then(work, work);
    this.queues.set(stack, turn);
    return turn;
  }

  private now(): number {
    this.ticks += 1;
    return this.options.now?.() ?? this.ticks;
  }
}

function cancelled(stack: StackName): SwitchyardError {
  return new SwitchyardError("engine-cancelled", { message: `The operation of stack ${stack} was cancelled` });
}

function resourceFailed(stack: StackName, resource: string, error: unknown): SwitchyardError {
  const message = error instanceof Error ? error.message : String(error);
  return new SwitchyardError("resource-failed", {
    message: `1 resource of stack ${stack} failed: ${resource}: ${message}`,
    data: { stack, resources: [{ urn: `urn:pulumi:${stack}::fake::${resource}`, message }] },
    cause: error,
  });
}
