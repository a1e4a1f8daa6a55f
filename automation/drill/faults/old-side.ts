/** Faults of the old side: they must never condemn the candidate. */
import type { SwapFault } from "../fault.ts";
import type { SideBehaviour } from "../simulation/side.ts";
import { candidate, oldSide } from "../stage.ts";

const many = Number.POSITIVE_INFINITY;

const bad = (name: string, title: string, behaviour: Partial<SideBehaviour>): SwapFault => ({
  name: `old-side-${name}`,
  title,
  given: (stage) => stage.atShare(5, () => stage.world.balancer.setSide(oldSide, behaviour)),
  expected: { ends: "completed", hurtAtMost: many },
});

export const oldSideFaults: readonly SwapFault[] = [
  bad("errors", "The old side fails one request in five", { applicationErrors: 0.2 }),
  bad("dead", "The old side answers nothing any more", { gatewayErrors: 1 }),
  bad("slow", "The old side takes two seconds for each request", { latencyMs: 2_000 }),
  bad("memory-exhausted", "The old side's instances are killed for memory", {
    limit: { kind: "memory", requests: 300, restartMs: 3_000 },
  }),
  bad("cpu-exhausted", "The old side has CPU for 20 requests a second", { limit: { kind: "cpu", perSecond: 20 } }),
  bad("descriptors-exhausted", "The old side takes no connection any more", {
    limit: { kind: "descriptors", requests: 200 },
  }),
  bad("quota-exhausted", "The old side's platform refuses what is above its quota", {
    limit: { kind: "quota", perSecond: 20 },
  }),
  {
    name: "both-sides-errors",
    title: "What both sides call is down: both fail one request in five",
    world: { swap: { rollback_threshold: 0.3 } },
    given: (stage) =>
      stage.atShare(25, () => {
        for (const side of [oldSide, candidate]) stage.world.balancer.setSide(side, { applicationErrors: 0.2 });
        stage.repair = () => {
          for (const side of [oldSide, candidate]) stage.world.balancer.setSide(side, { applicationErrors: 0 });
        };
      }),
    // At 100 % nobody can say whether the old side would do better: a person decides.
    expected: { ends: "completed", stopsFor: ["step-inconclusive"], operator: "promote", hurtAtMost: many },
  },
];
