/** The simulated cloud: platforms with instances, the balancer's stack, and the engine that makes and removes them. */
import { SwitchyardError } from "../../errors.ts";
import type { ConfigValues, StackName, StackResult } from "../../ports/stack-engine.ts";
import type { Change } from "../invariants.ts";
import type { SimulatedBalancer } from "./balancer.ts";
import type { VirtualClock } from "./clock.ts";
import type { SimulatedProcess } from "./process.ts";

export interface SimulatedPlatform {
  readonly image: string;
  readonly wanted: number;
  readonly available: number;
  /** Kept whatever the load is. */
  readonly held: number;
  /** Instances that the load needs. */
  readonly loaded: number;
}

/** A creation that goes wrong: `left` times the engine fails, after it has made nothing or half of it. */
export interface CreationTrouble {
  readonly program: string;
  readonly after: "nothing" | "half";
  readonly left: number;
  readonly error: SwitchyardError;
}

/** What the process that asked for an operation goes through meanwhile. */
export interface Steps {
  /** A point at which the process may die. */
  reach(point: string): Promise<void>;
  /** Work of the operation; it dies with its process. */
  work(ms: number): Promise<void>;
  /** The world is about to change like this. */
  changing(change: Change): Promise<void>;
}

/** Those of the acceptance suite. */
const agentOperations = ["process", "health", "metrics", "info"];
/** Instances of a platform that is whole. */
export const instances = 2;
/** Half of an operation, ms. */
const halfMs = 500;

export class SimulatedCloud {
  /** Operations that changed something and came to their end, in order. */
  readonly operations: string[] = [];
  readonly platforms = new Map<string, SimulatedPlatform>();
  /** Operations of the agent that were answered well, by platform and image. */
  readonly #answered = new Map<string, Set<string>>();
  attached: readonly string[];
  trouble: CreationTrouble | undefined;
  readonly #clock: VirtualClock;
  readonly #balancer: SimulatedBalancer;
  /** Who works on a stack now. */
  readonly #busy = new Map<StackName, SimulatedProcess>();

  constructor(
    clock: VirtualClock,
    balancer: SimulatedBalancer,
    platforms: Readonly<Record<string, SimulatedPlatform>>,
    attached: readonly string[],
  ) {
    this.#clock = clock;
    this.#balancer = balancer;
    this.attached = attached;
    for (const [name, platform] of Object.entries(platforms)) {
      this.platforms.set(name, platform);
      // What serves has passed its suite in its time.
      if (name in balancer.accepted()) for (const operation of agentOperations) this.pass(name, operation);
    }
  }

  /** Whether what is there now has answered all operations well. */
  hasPassed(platform: string): boolean {
    const image = this.platforms.get(platform)?.image;
    return (this.#answered.get(`${platform} ${image}`)?.size ?? 0) === agentOperations.length;
  }

  pass(platform: string, operation: string): void {
    const image = this.platforms.get(platform)?.image;
    if (image === undefined) return;
    const key = `${platform} ${image}`;
    this.#answered.set(key, (this.#answered.get(key) ?? new Set()).add(operation));
  }

  async up(stack: StackName, config: ConfigValues, by: SimulatedProcess, steps: Steps): Promise<StackResult> {
    const program = programOf(stack);
    return this.#operate(stack, by, async () => {
      await steps.reach(`up ${program}: before`);
      const changed =
        program === "traffic" ? await this.#attach(config, steps) : await this.#create(program, config, steps);
      if (changed) this.operations.push(`up ${program}`);
      await steps.reach(`up ${program}: reply`);
      return changed;
    });
  }

  async destroy(stack: StackName, by: SimulatedProcess, steps: Steps): Promise<StackResult> {
    const program = programOf(stack);
    return this.#operate(stack, by, async () => {
      await steps.reach(`destroy ${program}: before`);
      const platform = this.platforms.get(program);
      if (platform !== undefined) {
        await steps.work(halfMs);
        await steps.changing({ kind: "destroy", platform: program });
        this.platforms.set(program, { ...platform, available: 0 });
        this.#balancer.setServing(program, false);
        await steps.reach(`destroy ${program}: half done`);
        await steps.work(halfMs);
        this.platforms.delete(program);
        this.operations.push(`destroy ${program}`);
      }
      await steps.reach(`destroy ${program}: reply`);
      return platform !== undefined;
    });
  }

  /** One operation per stack at a time; one that died with its process is no longer in the way. */
  async #operate(stack: StackName, by: SimulatedProcess, work: () => Promise<boolean>): Promise<StackResult> {
    for (let other = this.#busy.get(stack); other?.alive; other = this.#busy.get(stack)) await this.#clock.sleep(100);
    this.#busy.set(stack, by);
    const beganAt = this.#clock.now();
    try {
      const changed = await work();
      const durationMs = this.#clock.now() - beganAt;
      return {
        stack,
        outputs: { leastInstances: instances },
        changes: changed ? { update: 1 } : { same: 1 },
        durationMs,
      };
    } finally {
      this.#busy.delete(stack);
    }
  }

  async #create(program: string, config: ConfigValues, steps: Steps): Promise<boolean> {
    const before = this.platforms.get(program);
    // What a stack is not given stays as it is.
    const image = String(config["switchyard:image"] ?? before?.image);
    const held = Number(config["switchyard:heldInstances"] ?? before?.held ?? 0);
    this.#fail(program, "nothing");
    const after = { image, held, wanted: Math.max(instances, held, before?.loaded ?? 0), loaded: before?.loaded ?? 0 };
    if (before?.image === image && before.held === held && before.available === before.wanted) return false;
    await steps.work(halfMs);
    await steps.changing({ kind: "up", platform: program, image, held });
    const kept = before?.image === image ? before.available : 0;
    // Who comes again after a crash finds that it is not done.
    const half = { held: before?.held ?? 0, available: Math.max(kept, after.wanted / 2) };
    this.platforms.set(program, { ...after, ...half });
    this.#balancer.setServing(program, true);
    await steps.reach(`up ${program}: half done`);
    this.#fail(program, "half");
    await steps.work(halfMs);
    this.platforms.set(program, { ...after, available: after.wanted });
    return true;
  }

  /** Instances come or go by themselves. */
  setAvailable(name: string, available: number): void {
    const platform = this.platforms.get(name);
    if (platform !== undefined)
      this.platforms.set(name, { ...platform, available, wanted: Math.min(platform.wanted, available) });
  }

  /**
   * The autoscalers follow the load: down at once, which is the worst for whoever wants to go back, and up too late for a step.
   * `load` is what each platform gets, in instances that it takes.
   */
  autoscale(load: Readonly<Record<string, number>>): void {
    for (const [name, platform] of this.platforms) {
      const loaded = Math.ceil(load[name] ?? 0);
      const least = Math.max(instances, platform.held);
      const wanted = Math.max(least, Math.min(loaded, platform.available));
      this.platforms.set(name, { ...platform, loaded, wanted, available: Math.min(platform.available, wanted) });
    }
  }

  async #attach(config: ConfigValues, steps: Steps): Promise<boolean> {
    const names = config["switchyard:platforms"];
    const wanted = Array.isArray(names) ? names.map(String) : [];
    this.#fail("traffic", "nothing");
    if (wanted.toSorted().join() === this.attached.toSorted().join()) return false;
    await steps.work(halfMs);
    await steps.changing({ kind: "attach", platforms: wanted });
    const inUse = Object.keys(this.#balancer.accepted()).find((name) => !wanted.includes(name));
    // As the real one does.
    if (inUse !== undefined)
      throw new SwitchyardError("resource-failed", { message: `${inUse} is in use by the balancer's map` });
    this.attached = wanted;
    await steps.work(halfMs);
    return true;
  }

  #fail(program: string, after: CreationTrouble["after"]): void {
    const { trouble } = this;
    if (trouble === undefined || trouble.program !== program || trouble.after !== after) return;
    this.trouble = trouble.left > 1 ? { ...trouble, left: trouble.left - 1 } : undefined;
    throw trouble.error;
  }
}

function programOf(stack: StackName): string {
  return stack.slice(0, stack.indexOf("."));
}
