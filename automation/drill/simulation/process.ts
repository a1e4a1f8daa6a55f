import type { Clock } from "../../ports/clock.ts";
import type { ProcessIdentity, ProcessTable } from "../../ports/process-table.ts";
import type { VirtualClock } from "./clock.ts";

/**
 * One process of the engine in the simulated world. What it asks of the world goes through `through`, so that it can be
 * killed and stopped as a real one is: a killed process gets no answer ever again and none of its code runs on; a stopped one
 * gets its answers when it wakes, while the world went on.
 */
export class SimulatedProcess {
  readonly identity: ProcessIdentity;
  /** Its own time: from the wall clock at its start, monotonic from there. */
  readonly clock: Clock;
  /** Resolves when it is killed. */
  readonly killed: Promise<void>;
  #alive = true;
  #stopped: { readonly until: Promise<void>; readonly wake: () => void } | undefined;
  #tellKilled: () => void = () => undefined;

  constructor(clock: VirtualClock, pid: number, host: string) {
    this.identity = { pid, startTime: String(clock.now()), host };
    const ahead = clock.wall() - clock.now();
    this.clock = {
      now: () => clock.now() + ahead,
      wall: () => clock.wall(),
      sleep: (ms, signal) => this.through(() => clock.sleep(ms, signal)),
    };
    this.killed = new Promise((resolve) => {
      this.#tellKilled = resolve;
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** SIGKILL. */
  kill(): void {
    this.#alive = false;
    this.#tellKilled();
  }

  /** The process ended by itself. */
  exit(): void {
    this.#alive = false;
  }

  /** SIGSTOP. */
  stop(): void {
    if (this.#stopped !== undefined) return;
    let wake: () => void = () => undefined;
    const until = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#stopped = { until, wake };
  }

  /** SIGCONT. */
  continue(): void {
    const stopped = this.#stopped;
    this.#stopped = undefined;
    stopped?.wake();
  }

  /** Carries out a call of this process to the outside world. */
  async through<Result>(call: () => Promise<Result>): Promise<Result> {
    await this.here();
    try {
      return await call();
    } finally {
      // In a finally, because a dead process does not see errors either.
      await this.here();
    }
  }

  /** Resolves where the process goes on: at once, when it is woken, or never. */
  async here(): Promise<void> {
    while (this.#alive && this.#stopped !== undefined) await this.#stopped.until;
    if (!this.#alive) await new Promise<never>(() => undefined);
  }
}

/** All processes of one world, on any number of hosts. */
export class SimulatedProcesses {
  readonly #clock: VirtualClock;
  readonly #all: SimulatedProcess[] = [];

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get all(): readonly SimulatedProcess[] {
    return this.#all;
  }

  start(host: string): SimulatedProcess {
    const process = new SimulatedProcess(this.#clock, this.#all.length + 1, host);
    this.#all.push(process);
    return process;
  }

  /** The process table as one process sees it. */
  tableOf(viewer: SimulatedProcess): ProcessTable {
    return {
      self: async () => viewer.identity,
      isAlive: async (identity) => {
        // Nobody sees the processes of another machine.
        if (identity.host !== viewer.identity.host) return "unknown";
        const found = this.#all.find(
          (one) => one.identity.pid === identity.pid && one.identity.startTime === identity.startTime,
        );
        return found?.alive ?? false;
      },
    };
  }
}
