/** Faults of what the candidate keeps: by its program, or by somebody who changes what runs. */
import type { SwapFault } from "../fault.ts";
import { onItsNode } from "../simulation/workloads.ts";
import { candidate, type Stage } from "../stage.ts";

/** Time for more than one look at what runs. */
const watched = { swap: { bake: 60 }, complianceEveryMs: 10_000 };

const becomesStateful = (stage: Stage): void => {
  stage.inPhase("baking", () =>
    // After the look with which the bake begins.
    stage.world.after(15_000, () => stage.world.workloads.change(candidate, onItsNode)),
  );
  stage.repair = () => stage.world.workloads.change(candidate, undefined);
};

const unreadable = (stage: Stage, forMs: number): void =>
  stage.inPhase("baking", () => {
    stage.world.workloads.failWith("connection refused");
    if (Number.isFinite(forMs)) stage.world.after(forMs, () => stage.world.workloads.failWith(undefined));
  });

export const statelessFaults: readonly SwapFault[] = [
  {
    name: "declares-state",
    title: "The candidate's program declares a folder of its node",
    given: (stage) => stage.atShare(0, () => stage.world.workloads.declare(candidate, onItsNode)),
    expected: { ends: "rolled-back", reasons: ["stateless-violation"] },
  },
  {
    name: "becomes-stateful",
    title: "In the bake somebody gives the candidate a folder of its node, and takes it away again",
    world: watched,
    given: becomesStateful,
    expected: { ends: "completed", stopsFor: ["stateless-violation"] },
  },
  {
    name: "stays-stateful",
    title: "In the bake somebody gives the candidate a folder of its node, and a person goes back",
    world: watched,
    given: becomesStateful,
    expected: {
      ends: "rolled-back",
      reasons: ["requested-rollback"],
      stopsFor: ["stateless-violation"],
      operator: "rollback",
    },
  },
  {
    name: "live-unreadable",
    title: "What runs on the candidate cannot be read: the bake does not pass",
    given: (stage) => {
      unreadable(stage, Number.POSITIVE_INFINITY);
      stage.repair = () => stage.world.workloads.failWith(undefined);
    },
    expected: { ends: "completed", stopsFor: ["step-inconclusive"] },
  },
  {
    name: "live-unreadable-for-a-moment",
    title: "What runs on the candidate cannot be read for 20 s",
    given: (stage) => unreadable(stage, 20_000),
    expected: { ends: "completed" },
  },
];
