/** Faults of the candidate itself. */
import type { SwapFault } from "../fault.ts";
import { candidate, type Stage } from "../stage.ts";

/** Needs more evidence than the short profile asks for. */
const thorough = { swap: { profile: "standard", bake: 60 }, requestsPerSecond: 200 };

const dead = { gatewayErrors: 1 };
const alive = { gatewayErrors: 0 };

const whenDead: SwapFault["expected"] = {
  ends: "rolled-back",
  reasons: ["candidate-gateway-errors", "candidate-errors", "candidate-error-ceiling"],
  detectedWithinMs: 10_000,
  hurtAtMost: 60,
};

const errorShare = (percent: number, hurtAtMost: number): SwapFault => ({
  name: `errors-${percent}-percent`,
  title: `The candidate fails ${percent} % of its requests; 0.1 % is usual`,
  world: { ...thorough, backgroundErrors: 0.001 },
  given: (stage) =>
    stage.atShare(0, () => stage.world.balancer.setSide(candidate, { applicationErrors: percent / 100 })),
  expected: { ends: "rolled-back", reasons: ["candidate-errors", "candidate-error-ceiling"], hurtAtMost },
});

const diesAt = (share: number): SwapFault => ({
  name: `dies-at-${share}-percent`,
  title: `The candidate dies when it has ${share} %`,
  given: (stage) => stage.atShare(share, () => stage.world.balancer.setSide(candidate, dead)),
  expected: whenDead,
});

const slowed = { ends: "rolled-back", reasons: ["candidate-latency", "candidate-latency-ceiling"] } as const;

export const candidateFaults: readonly SwapFault[] = [
  {
    name: "never-ready",
    title: "The candidate comes up and is never ready",
    world: { swap: { health_check_timeout: 20 } },
    given: (stage) => stage.atShare(0, () => stage.world.agents.set(candidate, { ready: false, status: 200 })),
    expected: { ends: "rolled-back", reasons: ["candidate-not-ready"] },
  },
  {
    name: "fails-acceptance",
    title: "The candidate answers 500 on the dark route",
    given: (stage) => stage.atShare(0, () => stage.world.agents.set(candidate, { ready: true, status: 500 })),
    expected: { ends: "rolled-back", reasons: ["acceptance-failed"] },
  },
  {
    name: "candidate-dead",
    title: "The candidate passes its suite and then answers no user at all",
    given: (stage) => stage.inPhase("shifting", () => stage.world.balancer.setSide(candidate, dead)),
    expected: whenDead,
  },
  errorShare(1, 200),
  errorShare(5, 200),
  errorShare(20, 100),
  {
    name: "short-of-instances",
    title: "The candidate gets half of the instances that its share needs, as by a quota, until somebody raises it",
    given: (stage) => {
      stage.inPhase("accepting", () => stage.world.cloud.setAvailable(candidate, 2));
      stage.repair = () => stage.world.cloud.setAvailable(candidate, 4);
    },
    expected: { ends: "completed", stopsFor: ["capacity-missing"] },
  },
  {
    name: "instances-uncounted",
    title: "Nobody can say how many instances the candidate has; it has all of them",
    given: (stage) => stage.inPhase("accepting", () => (stage.world.instancesCounted = false)),
    expected: { ends: "completed" },
  },
  {
    name: "slow-tail",
    title: "One request in five takes two seconds on the candidate",
    world: thorough,
    given: (stage) =>
      stage.atShare(0, () => stage.world.balancer.setSide(candidate, { slowTail: { share: 0.2, latencyMs: 2_000 } })),
    expected: slowed,
  },
  {
    name: "slow",
    title: "Every request takes four times as long on the candidate",
    world: thorough,
    given: (stage) => stage.atShare(0, () => stage.world.balancer.setSide(candidate, { latencyMs: 160 })),
    expected: slowed,
  },
  {
    name: "slow-start",
    title: "The candidate's first requests are slow, as cold instances are",
    world: thorough,
    given: (stage) =>
      stage.atShare(0, () =>
        stage.world.balancer.setSide(candidate, { slowStart: { requests: 40, latencyMs: 1_500 } }),
      ),
    expected: { ends: "completed" },
  },
  ...[1, 5, 25, 50, 100].map(diesAt),
  {
    name: "recovers",
    title: "The candidate fails for four requests and recovers",
    given: (stage) =>
      stage.atShare(50, () => {
        stage.world.balancer.setSide(candidate, dead);
        stage.world.after(40, () => stage.world.balancer.setSide(candidate, alive));
      }),
    expected: { ends: "completed", hurtAtMost: 4 },
  },
  {
    name: "recovers-too-late",
    title: "The candidate fails for 20 s and recovers: the swap goes back once and stays there",
    given: (stage) =>
      stage.atShare(5, () => {
        stage.world.balancer.setSide(candidate, dead);
        stage.world.after(20_000, () => stage.world.balancer.setSide(candidate, alive));
      }),
    expected: whenDead,
  },
  {
    name: "passes-then-degrades",
    title: "The candidate passes every step and fails three in ten in the bake",
    given: (stage) =>
      stage.inPhase("baking", () => stage.world.balancer.setSide(candidate, { applicationErrors: 0.3 })),
    expected: {
      ends: "rolled-back",
      reasons: ["candidate-error-ceiling", "candidate-errors"],
      detectedWithinMs: 3_000,
      hurtAtMost: 100,
    },
  },
  {
    name: "degrades-in-the-rollback-window",
    title: "The candidate dies after the bake, while the old side is still kept",
    world: { swap: { rollback_window: 60 } },
    given: (stage) => stage.inPhase("retaining", () => stage.world.balancer.setSide(candidate, dead)),
    expected: whenDead,
  },
  ...limits(),
];

/** What runs out, on the candidate. */
function limits(): readonly SwapFault[] {
  const exhausted = (name: string, title: string, act: (stage: Stage) => void): SwapFault => ({
    name: `${name}-exhausted`,
    title,
    given: (stage) => stage.atShare(25, () => act(stage)),
    expected: {
      ends: "rolled-back",
      reasons: ["candidate-gateway-errors", "candidate-errors", "candidate-error-ceiling", "candidate-latency"],
      hurtAtMost: 150,
    },
  });
  return [
    exhausted("memory", "The candidate's instances are killed for memory again and again", (stage) =>
      stage.world.balancer.setSide(candidate, { limit: { kind: "memory", requests: 40, restartMs: 3_000 } }),
    ),
    exhausted("cpu", "The candidate has CPU for five requests a second", (stage) =>
      stage.world.balancer.setSide(candidate, { limit: { kind: "cpu", perSecond: 5 } }),
    ),
    exhausted("descriptors", "The candidate leaks descriptors until it takes no connection", (stage) =>
      stage.world.balancer.setSide(candidate, { limit: { kind: "descriptors", requests: 200 } }),
    ),
    exhausted("quota", "The candidate's platform refuses what is above its quota", (stage) =>
      stage.world.balancer.setSide(candidate, { limit: { kind: "quota", perSecond: 5 } }),
    ),
  ];
}
