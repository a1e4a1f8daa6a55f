import { beforeEach, describe, expect, it, vi } from "vitest";
import { breachesOf, invariants } from "../../../automation/drill/invariants.ts";
import { startEngine } from "../../../automation/drill/simulation/engine.ts";
import { SimulatedWorld, type WorldOptions } from "../../../automation/drill/simulation/world.ts";
import { Stage } from "../../../automation/drill/stage.ts";
import type * as Decide from "../../../automation/swap/decide.ts";
import type { Decision } from "../../../automation/swap/decision.ts";
import type { SwapState } from "../../../automation/swap/state.ts";

/** What a broken engine decides instead; undefined: what the real one does. */
type Mutation = (decision: Decision, state: SwapState) => Decision | undefined;
const mutated = vi.hoisted((): { by: Mutation } => ({ by: () => undefined }));

vi.mock(import("../../../automation/swap/decide.ts"), async (original) => {
  const real: typeof Decide = await original();
  return {
    ...real,
    decide(state, seen, now) {
      const decision = real.decide(state, seen, now);
      return mutated.by(decision, state) ?? decision;
    },
  };
});

beforeEach(() => {
  mutated.by = () => undefined;
});

/** The names of what a swap breaks in `withinMs` of virtual time. */
async function broken(
  mutation: Mutation,
  options: WorldOptions = {},
  arrange: (stage: Stage) => void = () => undefined,
  withinMs = 120_000,
): Promise<ReadonlySet<string>> {
  mutated.by = mutation;
  const world = new SimulatedWorld({ swap: { ramp: [5, 25, 50, 100] }, ...options });
  await world.clock.run(async () => {
    const stage = new Stage(world);
    arrange(stage);
    stage.start();
    await world.clock.sleep(withinMs);
    for (const process of world.processes.all) process.kill();
  });
  return new Set(world.breaches.map((breach) => breach.invariant));
}

const enter = (phase: SwapState["phase"], step: number): Decision => ({
  kind: "enter",
  phase,
  step,
  reason: "start-requested",
  evidence: {},
});

/** Each with an engine that breaks it. */
const tests: Readonly<Record<string, () => Promise<ReadonlySet<string>>>> = {
  // Neither made nor looked at.
  "never-weight-to-a-side-with-none-available": () =>
    broken((decision) => {
      if (decision.kind !== "act") return undefined;
      if (decision.effect.kind === "deploy") return enter("attaching", -1);
      return decision.effect.kind === "accept" ? enter("shifting", 0) : undefined;
    }),
  // The suite is left out.
  "weight-up-only-after-capacity": () =>
    broken((decision) =>
      decision.kind === "act" && decision.effect.kind === "accept" ? enter("shifting", 0) : undefined,
    ),
  // The old side is left to its autoscaler.
  "going-back-needs-no-start": () =>
    broken((decision) =>
      decision.kind === "act" && decision.effect.kind === "hold" ? enter("accepting", -1) : undefined,
    ),
  // A new image in the middle of the ramp.
  "target-changes-zero-weight-first": () =>
    broken((decision, state) =>
      decision.kind === "act" &&
      decision.effect.kind === "write-weights" &&
      state.phase === "shifting" &&
      state.step === 2
        ? { kind: "act", effect: { kind: "deploy", platform: "gke", image: "kiro@newer" } }
        : undefined,
    ),
  // What the API accepted is taken for what the data plane does.
  "unverified-hundred-blocks-removal": () =>
    broken(
      (decision, state) =>
        decision.kind === "wait" && decision.probe
          ? {
              kind: "verified",
              since: Number.MAX_SAFE_INTEGER,
              weight: state.settings.ramp[state.step] ?? 100,
              evidence: {},
            }
          : undefined,
      {},
      (stage) => stage.atShare(50, () => stage.world.balancer.setPropagationDelay(60_000)),
    ),
  // What was seen once is taken for good.
  "old-side-only-removed-when-no-worker-can-go-back": () =>
    broken(
      () => undefined,
      { swap: { ramp: [50, 100], propagation: 0 }, propagation: { delayMs: 120_000, relapse: true } },
      () => undefined,
      600_000,
    ),
  // The next step is written as soon as the API accepted the last one.
  "next-step-only-when-every-worker-follows": () =>
    broken(
      (decision, state) =>
        state.phase === "shifting" && decision.kind === "wait" && decision.probe
          ? {
              kind: "verified",
              weight: state.settings.ramp[state.step] ?? 100,
              since: state.acceptedAt ?? 0,
              evidence: {},
            }
          : undefined,
      { swap: { ramp: [5, 25, 50, 100], propagation: 0 }, propagation: { delayMs: 5_000, spreadMs: 20_000 } },
    ),
  // The candidate is removed before the traffic is off it.
  "abort-moves-traffic-first": () =>
    broken(
      (_decision, state) =>
        state.phase === "returning" && state.pending === undefined && !state.done
          ? { kind: "act", effect: { kind: "remove", platform: "gke" } }
          : undefined,
      {},
      (stage) => stage.atShare(25, () => stage.ask("abort")),
    ),
  // The old side is given the new image.
  "sides-keep-their-identity": () =>
    broken((decision) =>
      decision.kind === "act" && decision.effect.kind === "deploy"
        ? { kind: "act", effect: { ...decision.effect, platform: "cloud-run" } }
        : undefined,
    ),
  "weight-rises-one-step-at-a-time": () =>
    broken((decision) =>
      decision.kind === "enter" && decision.phase === "shifting" && decision.step === 1
        ? { ...decision, step: 2 }
        : undefined,
    ),
  // Somebody brings the candidate up who writes no journal.
  "intent-before-effect": () =>
    broken(
      (_decision, state) =>
        state.phase === "deploying"
          ? {
              kind: "wait",
              why: "",
              probe: false,
              drain: false,
              looked: false,
              topUp: false,
              measure: false,
              comply: false,
              count: false,
            }
          : undefined,
      {},
      ({ world }) =>
        world.after(5_000, () => {
          const rogue = world.processes.start("elsewhere");
          void world.cloud.up("gke.drill", { "switchyard:image": "kiro@new" }, rogue, world.stepsOf(rogue));
        }),
    ),
  // A process without the lease, that has read the map a moment ago.
  "one-writer": () =>
    broken(
      () => undefined,
      {},
      (stage) =>
        stage.atShare(25, () => {
          const { world } = stage;
          const rogue = world.processes.start("elsewhere");
          void world.balancer.router
            .read()
            .then(({ fingerprint }) => world.write({ "cloud-run": 95, gke: 5 }, fingerprint, 0, rogue));
        }),
    ),
};

describe("an engine that breaks it is found by", () => {
  it.each(invariants.map(({ name, title }) => ({ name, title })))("$name: $title", async ({ name }) => {
    const test = tests[name];
    if (test === undefined) throw new Error(`nothing breaks ${name}`);
    expect(await test()).toContain(name);
  });

  it("no invariant when the engine is the real one", async () => {
    expect([...(await broken(() => undefined))]).toEqual([]);
  });
});

describe("a change of the world", () => {
  it("is judged by the weights that the data plane has, not by those that were asked for", async () => {
    const world = new SimulatedWorld();
    const swap = await world.clock.run(async () => {
      const stage = new Stage(world);
      await startEngine(world).ended;
      return stage.swap();
    });
    if (swap === undefined) throw new Error("there is no swap");
    const view = {
      weights: { gke: 100 },
      workers: [{ gke: 100 }, { "cloud-run": 1, gke: 99 }],
      coming: [],
      followsWithinMs: 0,
      platforms: {},
      attached: ["gke"],
      inFlight: {},
      token: 1,
      swap: { ...swap, pending: { effect: { kind: "remove" as const, platform: "cloud-run" }, since: 0 } },
    };
    const found = breachesOf({ kind: "destroy", platform: "cloud-run" }, view, 0);
    expect(found.map(({ invariant }) => invariant)).toEqual(["unverified-hundred-blocks-removal"]);
  });
});
