/** Faults of the balancer: its API, its data plane, its feed, the way to it. */
import type { SwapEvent } from "../../swap/state.ts";
import type { SwapFault } from "../fault.ts";
import type { ApiTrouble } from "../simulation/balancer.ts";
import { candidate, type Stage } from "../stage.ts";

/** The swap is about to write this share. */
const writes =
  (share: number) =>
  (event: SwapEvent): boolean =>
    event.kind === "intent" && event.effect.kind === "write-weights" && event.effect.weights[candidate] === share;

const apiFails = (stage: Stage, share: number, how: ApiTrouble, times: number): void =>
  stage.when(writes(share), () => {
    stage.declare();
    stage.world.balancer.failNext("write", how, times);
  });

const propagation = (seconds: number): SwapFault => ({
  name: `propagation-${seconds}-s`,
  title: `The data plane follows after up to ${seconds} s, its workers at different times and out of order`,
  world: {
    swap: { profile: "standard", bake: 60, gates: { base_error_rate: 0.0001, late_margin: 0.005 } },
    // As many requests in the time that a weight takes, however long that is.
    requestsPerSecond: Math.max(25, 10_000 / seconds),
    workers: 8,
    propagation: { delayMs: seconds * 200, spreadMs: seconds * 800 },
  },
  given: (stage) => stage.declare(),
  expected: { ends: "completed" },
});

/** Weights that workers take, drop again and take for good. */
const outOfOrder = (name: string, title: string, more: Pick<SwapFault, "given" | "expected">): SwapFault => ({
  name,
  title,
  world: { workers: 8, propagation: { delayMs: 60_000, relapse: true } },
  ...more,
});

/** A candidate that answers nothing while the balancer takes 60 s to follow. */
const slowBalancer = (failBack: boolean, hurtAtMost: number): SwapFault => ({
  name: failBack ? "slow-balancer-with-lever" : "slow-balancer",
  title: failBack
    ? "The candidate answers only 500, the balancer takes 60 s to follow, and the candidate hands its requests back"
    : "The candidate answers only 500 and the balancer takes 60 s to follow",
  world: { swap: { fail_back: failBack }, propagationDelayMs: 60_000 },
  given: (stage) => stage.atShare(25, () => stage.world.balancer.setSide(candidate, { applicationErrors: 1 })),
  expected: { ends: "rolled-back", reasons: ["candidate-errors"], hurtAtMost, verifiedWithinMs: 70_000 },
});

export const balancerFaults: readonly SwapFault[] = [
  {
    name: "api-refuses-once",
    title: "The balancer's API answers 429 once",
    given: (stage) => apiFails(stage, 5, "throttled", 1),
    expected: { ends: "completed" },
  },
  {
    name: "api-refuses",
    title: "The balancer's API answers 503 for as long as the step is tried",
    given: (stage) => apiFails(stage, 25, "refused", 2),
    expected: { ends: "rolled-back", reasons: ["routing-failed"] },
  },
  {
    name: "api-times-out",
    title: "The balancer's API answers nothing for 30 s",
    given: (stage) => apiFails(stage, 25, "timeout", 1),
    expected: { ends: "completed" },
  },
  {
    name: "api-unreadable",
    title: "The balancer's API cannot read its map for a moment",
    given: (stage) =>
      stage.when(writes(25), () => {
        stage.declare();
        stage.world.balancer.failNext("read", "refused", 1);
      }),
    expected: { ends: "completed" },
  },
  {
    name: "api-refuses-the-way-back",
    title: "The candidate dies and the API refuses the way back for ten attempts",
    given: (stage) =>
      stage.atShare(25, () => {
        stage.world.balancer.setSide(candidate, { applicationErrors: 1 });
        stage.when(
          (event) => event.kind === "entered" && event.phase === "returning",
          () => stage.world.balancer.failNext("write", "refused", 10),
        );
      }),
    // Eleven attempts, with pauses up to half a minute.
    expected: { ends: "rolled-back", reasons: ["candidate-errors"], hurtAtMost: 6_000, verifiedWithinMs: 240_000 },
  },
  {
    name: "reply-lost",
    title: "The API carries a write out and its reply is lost",
    given: (stage) => apiFails(stage, 5, "lost-reply", 1),
    expected: { ends: "completed" },
  },
  {
    name: "fingerprint-conflict",
    title: "Somebody else changes the map at the same time, three times",
    given: (stage) => apiFails(stage, 25, "conflict", 3),
    expected: { ends: "completed" },
  },
  {
    name: "weight-never-followed",
    title: "A weight is accepted and the data plane never follows",
    given: (stage) => {
      stage.when(writes(25), () => {
        stage.declare();
        stage.world.balancer.setPropagation({ follows: false });
      });
      stage.repair = () => stage.world.balancer.setPropagation({ follows: true });
    },
    expected: { ends: "completed", stopsFor: ["step-inconclusive"] },
  },
  ...[100, 600].map(propagation),
  outOfOrder(
    "propagation-out-of-order-60-s",
    "The data plane follows after 60 s, and every worker falls back to the weights before for a while in between",
    { given: (stage) => stage.declare(), expected: { ends: "completed" } },
  ),
  outOfOrder(
    "propagation-out-of-order-going-back",
    "The same, and a person wants to go back in the middle: the candidate's entry goes when nothing falls back to it",
    {
      given: (stage) => stage.atShare(50, () => stage.ask("rollback")),
      expected: { ends: "rolled-back", reasons: ["requested-rollback"], verifiedWithinMs: 70_000 },
    },
  ),
  {
    name: "propagation-longer-than-expected",
    title: "The data plane follows after 10 to 40 s and swap.propagation says 5: what the probes see decides",
    world: { swap: { propagation: 5 }, workers: 8, propagation: { delayMs: 10_000, spreadMs: 30_000 } },
    given: (stage) => stage.declare(),
    expected: { ends: "completed" },
  },
  slowBalancer(false, 2_500),
  slowBalancer(true, 100),
  {
    name: "feed-gone",
    title: "The request feed cannot be read",
    given: (stage) => {
      stage.atShare(25, () => stage.world.balancer.failNext("feed", "refused", Number.POSITIVE_INFINITY));
      stage.repair = () => stage.world.balancer.failNext("feed", "refused", 1);
    },
    expected: { ends: "completed", stopsFor: ["feed-unreadable"] },
  },
  {
    name: "feed-gone-in-the-bake",
    title: "The request feed cannot be read for the whole of a short bake, which has shown nothing then",
    given: (stage) => {
      stage.inPhase("baking", () => stage.world.balancer.failNext("feed", "refused", Number.POSITIVE_INFINITY));
      stage.repair = () => stage.world.balancer.failNext("feed", "refused", 1);
    },
    expected: { ends: "completed", stopsFor: ["feed-unreadable"] },
  },
  {
    name: "feed-gone-for-a-moment",
    title: "The request feed cannot be read for two seconds",
    given: (stage) => stage.atShare(25, () => stage.world.balancer.failNext("feed", "refused", 20)),
    expected: { ends: "completed" },
  },
  {
    name: "partition-engine-balancer",
    title: "The engine reaches nothing of the balancer for a while, in the bake",
    world: { swap: { bake: 20 } },
    given: (stage) => {
      stage.inPhase("baking", () => stage.world.balancer.setReachable(false));
      stage.repair = () => stage.world.balancer.setReachable(true);
    },
    expected: { ends: "completed", stopsFor: ["feed-unreadable"] },
  },
  {
    name: "partition-engine-balancer-in-a-step",
    title: "The engine reaches nothing of the balancer for a minute, just when it wants to write the next step",
    given: (stage) =>
      stage.when(writes(50), () => {
        stage.declare();
        stage.world.balancer.setReachable(false);
        stage.world.after(60_000, () => stage.world.balancer.setReachable(true));
      }),
    // As with every API that refuses a step: back, as soon as it can be written; attempts are up to half a minute apart.
    expected: { ends: "rolled-back", reasons: ["routing-failed"], verifiedWithinMs: 100_000 },
  },
  {
    name: "partition-engine-agent",
    title: "The engine does not reach the candidate's agents for 20 s",
    given: (stage) =>
      stage.inPhase("accepting", () => {
        stage.world.agentsReachable = false;
        stage.world.after(20_000, () => {
          stage.world.agentsReachable = true;
        });
      }),
    expected: { ends: "completed" },
  },
  {
    name: "partition-engine-agent-stays",
    title: "The engine never reaches the candidate's agents",
    world: { swap: { health_check_timeout: 20 } },
    given: (stage) =>
      stage.inPhase("accepting", () => {
        stage.world.agentsReachable = false;
      }),
    expected: { ends: "rolled-back", reasons: ["candidate-not-ready"] },
  },
  {
    name: "partition-router-candidate",
    title: "The balancer does not reach the candidate any more",
    given: (stage) => stage.atShare(25, () => stage.world.balancer.setSide(candidate, { gatewayErrors: 1 })),
    expected: {
      ends: "rolled-back",
      reasons: ["candidate-gateway-errors", "candidate-errors"],
      detectedWithinMs: 3_000,
      hurtAtMost: 30,
    },
  },
];
