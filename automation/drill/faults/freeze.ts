/** Freezes and approvals: no step begins, and everything that leads back still works. */
import type { SwapFault } from "../fault.ts";
import { candidate, type Stage } from "../stage.ts";

/** When the simulated world begins, ms since the epoch; the ramp is in its middle so much later. */
const worldBegins = Date.UTC(2026, 0, 1);
const beginsAfterMs = 12_000;
const lastsMs = 600_000;
const instant = (afterMs: number): string => new Date(worldBegins + afterMs).toISOString();

const freeze = [{ name: "new year", from: instant(beginsAfterMs), to: instant(beginsAfterMs + lastsMs) }];

const dead = { gatewayErrors: 1 };
const whenDead = ["candidate-gateway-errors", "candidate-errors", "candidate-error-ceiling"] as const;

/** A swap that is in the middle of its ramp when the freeze begins; `act` comes a minute later. */
const frozen = (
  name: string,
  title: string,
  act: (stage: Stage) => void,
  expected: SwapFault["expected"],
): SwapFault => ({
  name,
  title,
  world: { swap: { freeze } },
  given: (stage) => {
    const { world } = stage;
    const writes = (): string => JSON.stringify(world.balancer.writes);
    world.after(beginsAfterMs + 1_000, () => {
      const share = world.balancer.accepted()[candidate] ?? 0;
      if (share === 0 || share === 100) stage.findings.push(`the freeze began at ${share} %, not in the ramp`);
      const before = writes();
      stage.declare();
      world.after(60_000, () => {
        if (writes() !== before) stage.findings.push("a weight was written in the freeze");
        act(stage);
      });
    });
  },
  expected,
});

export const freezeFaults: readonly SwapFault[] = [
  frozen(
    "frozen-in-the-ramp",
    "A freeze begins in the middle of the ramp: the swap stays where it is, and goes on afterwards",
    (stage) => {
      const { world } = stage;
      const before = world.balancer.writes.length;
      world.after(lastsMs - 70_000, () => {
        if (world.balancer.writes.length !== before) stage.findings.push("a weight was written in the freeze");
      });
    },
    { ends: "completed" },
  ),
  frozen("abort-while-frozen", "A person aborts in a freeze", (stage) => stage.ask("abort"), {
    ends: "aborted",
    reasons: ["requested-abort"],
  }),
  frozen(
    "dies-while-frozen",
    "The candidate dies in a freeze",
    (stage) => stage.world.balancer.setSide(candidate, dead),
    { ends: "rolled-back", reasons: whenDead, detectedWithinMs: 10_000, hurtAtMost: 60 },
  ),
  {
    name: "dies-while-waiting-for-approval",
    title: "The candidate dies while its next step waits for a person",
    world: { swap: { approvals: [50] } },
    given: (stage) =>
      stage.when(
        (event) => event.kind === "paused" && event.reason === "approval-needed",
        () => {
          stage.declare();
          stage.world.after(5_000, () => stage.world.balancer.setSide(candidate, dead));
        },
      ),
    expected: {
      ends: "rolled-back",
      reasons: whenDead,
      stopsFor: ["approval-needed"],
      detectedWithinMs: 10_000,
      hurtAtMost: 60,
    },
  },
];
