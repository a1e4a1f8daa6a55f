/** What people do, and creations that fail. */
import { SwitchyardError } from "../../errors.ts";
import type { Phase } from "../../swap/state.ts";
import type { SwapFault } from "../fault.ts";
import { candidate, type Stage } from "../stage.ts";

const returnable: readonly Phase[] = [
  "deploying",
  "attaching",
  "adding-entry",
  "accepting",
  "shifting",
  "baking",
  "retaining",
  "draining",
  "removing-entry",
];
const tooLate: readonly Phase[] = ["detaching", "removing"];
const goingBack: readonly Phase[] = [
  "returning",
  "draining-candidate",
  "withdrawing-entry",
  "detaching-candidate",
  "removing-candidate",
];

const abortIn = (phase: Phase, expected: SwapFault["expected"], before?: (stage: Stage) => void): SwapFault => ({
  name: `abort-in-${phase}`,
  title: `A person aborts while the swap is ${phase.replaceAll("-", " ")}`,
  world: { swap: { rollback_window: 30 } },
  given: (stage) => {
    before?.(stage);
    stage.inPhase(phase, () => stage.ask("abort"));
  },
  expected,
});

const creationFails = (after: "nothing" | "half", message: string): SwapFault["given"] => {
  return (stage) => {
    stage.declare();
    const error = new SwitchyardError("resource-failed", { message });
    stage.world.cloud.trouble = { program: candidate, after, left: 1, error };
  };
};

export const personFaults: readonly SwapFault[] = [
  ...returnable.map((phase) => abortIn(phase, { ends: "aborted", reasons: ["requested-abort"] })),
  // The old side's entry is gone: there is nothing to go back to.
  ...tooLate.map((phase) => abortIn(phase, { ends: "completed" })),
  // An abort of what is already going back changes nothing.
  ...goingBack.map((phase) =>
    abortIn(phase, { ends: "rolled-back", reasons: ["requested-rollback"] }, (stage) =>
      stage.atShare(25, () => stage.ask("rollback")),
    ),
  ),
  {
    name: "abort-while-paused",
    title: "A person pauses the swap and aborts it then",
    given: (stage) => stage.atShare(25, () => stage.ask("pause")),
    expected: { ends: "aborted", reasons: ["requested-abort"], stopsFor: ["requested-pause"], operator: "abort" },
  },
  {
    name: "weights-moved-elsewhere",
    title: "Somebody else moves the weights in the middle of the swap",
    given: (stage) =>
      stage.atShare(5, () => {
        stage.world.balancer.interfere({ "cloud-run": 80, gke: 20 });
      }),
    expected: {
      ends: "rolled-back",
      reasons: ["requested-rollback"],
      stopsFor: ["weights-moved-elsewhere"],
      operator: "rollback",
    },
  },
  {
    name: "new-image-in-the-middle",
    title: "Somebody wants to deploy another image in the middle of the swap",
    given: (stage) => stage.atShare(25, () => stage.claimFor(`up ${candidate}.drill`)),
    expected: { ends: "completed", refuses: ["swap-in-progress"] },
  },
  {
    name: "creation-refused",
    title: "The candidate cannot be made: the platform's quota is used up",
    given: creationFails("nothing", "quota exceeded"),
    expected: { ends: "completed", stopsFor: ["deployment-failed"] },
  },
  {
    name: "creation-fails-half-way",
    title: "The candidate is half made when the platform fails; the next attempt finishes it",
    given: creationFails("half", "the second of two instances was refused"),
    expected: { ends: "completed", stopsFor: ["deployment-failed"] },
  },
  {
    name: "creation-fails-and-is-given-up",
    title: "The candidate is half made when the platform fails, and a person gives it up: nothing of it stays",
    given: creationFails("half", "the second of two instances was refused"),
    expected: {
      ends: "rolled-back",
      reasons: ["requested-rollback"],
      stopsFor: ["deployment-failed"],
      operator: "rollback",
    },
  },
];
