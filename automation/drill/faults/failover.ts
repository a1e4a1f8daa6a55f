/** Faults outside a swap: what the watcher of an environment with a warm standby makes of them. */
import type { FailoverFault } from "../fault.ts";
import type { SimulatedProcess } from "../simulation/process.ts";
import { candidate, oldSide } from "../stage.ts";
import type { WatchStage } from "../watch-stage.ts";

const many = Number.POSITIVE_INFINITY;
/** Until every fault begins, ms: a window is watched, the standby is known, and it is in the middle of a slice. */
const calmMs = 46_300;
const minute = 60_000;
/** Those of 34 s at 100 requests a second: a window, one slice, a look; and the move. */
const hurtByOneFailure = 3_700;

const oldSideDies = (stage: WatchStage): void => stage.declareAfter(calmMs, () => stage.kill(oldSide));

/** Bad and good by turns, ms each, while anybody watches. */
function flaps(stage: WatchStage, badMs: number, goodMs: number, leftMs: number): void {
  if (leftMs <= 0) return;
  stage.world.balancer.setSide(oldSide, { applicationErrors: 1 });
  stage.world.after(badMs, () => stage.world.balancer.setSide(oldSide, { applicationErrors: 0 }));
  stage.world.after(badMs + goodMs, () => flaps(stage, badMs, goodMs, leftMs - badMs - goodMs));
}

/** Dies at the place in the middle of the move, and another one is started so much later, ms. */
function watcherDies(stage: WatchStage, place: "on its way" | "reply on its way", ms: number, host: string): void {
  const { world } = stage;
  oldSideDies(stage);
  world.onPoint = (point: string, process: SimulatedProcess) => {
    if (!point.startsWith("write ") || !point.includes(`"${candidate}":100`) || !point.endsWith(`: ${place}`)) return;
    world.onPoint = () => undefined;
    process.kill();
    world.after(ms, () => stage.watch(host));
  };
}

/** Acts when the move is about to write its weights. */
function inTheMove(stage: WatchStage, act: () => void): void {
  oldSideDies(stage);
  stage.when((event) => event.kind === "entered" && event.phase === "shifting", act);
}

export const failoverFaults: readonly FailoverFault[] = [
  {
    name: "failover-serving-dead",
    title: "Outside a swap the serving side dies, and a standby is warm",
    failover: {},
    given: oldSideDies,
    lastsMs: 5 * minute,
    expected: { moves: [candidate], hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-serving-errors",
    title: "The serving side says that it is well and fails three requests in four",
    failover: {},
    given: (stage) =>
      stage.declareAfter(calmMs, () => stage.world.balancer.setSide(oldSide, { applicationErrors: 0.75 })),
    lastsMs: 5 * minute,
    expected: { moves: [candidate], hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-proposed",
    title: "The serving side dies, and the policy is to propose",
    failover: { policy: "propose" },
    given: oldSideDies,
    lastsMs: 5 * minute,
    expected: { moves: [], proposals: 1, holds: ["proposed"], hurtAtMost: many },
  },
  {
    name: "failover-off",
    title: "The serving side dies, and failover is switched off",
    failover: { policy: "off" },
    given: oldSideDies,
    lastsMs: 5 * minute,
    expected: { moves: [], holds: ["policy-off"], hurtAtMost: many },
  },
  {
    name: "failover-flapping",
    title: "The serving side is bad for ten seconds and good for ten, for five minutes",
    failover: {},
    given: (stage) => stage.declareAfter(calmMs, () => flaps(stage, 10_000, 10_000, 5 * minute)),
    lastsMs: 7 * minute,
    expected: { moves: [], holds: ["serving-well"], hurtAtMost: many },
  },
  {
    name: "failover-flapping-mostly-bad",
    title: "The serving side is bad for twenty seconds and good for five, for five minutes",
    failover: {},
    given: (stage) => stage.declareAfter(calmMs, () => flaps(stage, 20_000, 5_000, 5 * minute)),
    lastsMs: 7 * minute,
    expected: { moves: [], holds: ["serving-well"], hurtAtMost: many },
  },
  {
    name: "failover-both-dead",
    title: "Both sides die",
    failover: {},
    given: (stage) =>
      stage.declareAfter(calmMs, () => {
        for (const side of [oldSide, candidate]) stage.kill(side);
      }),
    lastsMs: 10 * minute,
    expected: { moves: [], holds: ["standby-not-ready"], hurtAtMost: many },
  },
  {
    name: "failover-standby-errs",
    title: "Both sides fail what they are asked, and the standby says that it is ready",
    failover: { dwell: 120, max_moves: 2 },
    given: (stage) =>
      stage.declareAfter(calmMs, () => {
        stage.kill(oldSide);
        stage.world.balancer.setSide(candidate, { applicationErrors: 1 });
        stage.world.agents.set(candidate, { ready: true, status: 500 });
      }),
    lastsMs: 10 * minute,
    // Its acceptance suite finds it out before a user does.
    expected: {
      moves: [],
      refuses: ["swap-failed", "swap-failed"],
      holds: ["dwell", "moves-used-up"],
      hurtAtMost: many,
    },
  },
  {
    name: "failover-standby-late",
    title: "The serving side dies while the standby is not ready; two minutes later it is",
    failover: {},
    given: (stage) => {
      stage.world.agents.set(candidate, { ready: false, status: 200 });
      oldSideDies(stage);
      stage.world.after(calmMs + 2 * minute, () => stage.cure(candidate));
    },
    lastsMs: 6 * minute,
    expected: {
      moves: [candidate],
      holds: ["standby-not-ready"],
      // standby_healthy_for after it is ready.
      detectedAfterMs: 2 * minute + 10_000,
      detectedWithinMs: 2 * minute + 13_000,
      hurtAtMost: many,
    },
  },
  {
    name: "failover-silence",
    title: "The serving side dies and nobody asks for anything but one request in ten seconds",
    failover: {},
    given: (stage) =>
      stage.declareAfter(calmMs, () => {
        stage.kill(oldSide);
        stage.world.balancer.setRequestsPerSecond(0.1);
      }),
    lastsMs: 10 * minute,
    expected: { moves: [], holds: ["too-few-requests"], hurtAtMost: 70 },
  },
  {
    name: "failover-again",
    title: "The side that took over dies a minute later, when the first one is well again",
    failover: { dwell: 300 },
    given: (stage) => {
      oldSideDies(stage);
      stage.when(
        (event) => event.kind === "ended",
        () => {
          stage.cure(oldSide);
          stage.world.after(minute, () => stage.kill(candidate));
        },
      );
    },
    lastsMs: 10 * minute,
    expected: { moves: [candidate, oldSide], holds: ["dwell"], hurtAtMost: many },
  },
  {
    name: "failover-used-up",
    title: "Whatever serves dies a minute later, again and again, and two moves a day are allowed",
    failover: { dwell: 120, max_moves: 2 },
    given: (stage) => {
      oldSideDies(stage);
      const again = (dead: string, next: string): void =>
        stage.when(
          (event) => event.kind === "ended",
          () => {
            stage.cure(dead);
            stage.world.after(minute, () => stage.kill(next));
            again(next, dead);
          },
        );
      again(oldSide, candidate);
    },
    lastsMs: 15 * minute,
    expected: { moves: [candidate, oldSide], holds: ["dwell", "moves-used-up"], hurtAtMost: many },
  },
  {
    name: "failover-swap-open",
    title: "The serving side dies while a swap waits for a person, who aborts it a minute and a half later",
    world: { mode: "swap", swap: { ramp: [5, 100], approvals: [5] } },
    failover: {},
    given: (stage) => {
      stage.start({ host: "host-2" });
      stage.when(
        (event) => event.kind === "paused",
        () =>
          stage.world.after(calmMs, () => {
            stage.declare();
            stage.kill(oldSide);
            stage.world.after(90_000, () => stage.ask("abort"));
          }),
      );
    },
    lastsMs: 6 * minute,
    expected: {
      moves: [candidate],
      holds: ["swap-open"],
      stopsFor: ["approval-needed"],
      detectedAfterMs: 90_000,
      detectedWithinMs: 100_000,
      hurtAtMost: many,
    },
  },
  {
    name: "failover-watcher-dies-here",
    title: "The watcher dies before the weights are written, and another one on the same machine finishes the move",
    failover: {},
    given: (stage) => watcherDies(stage, "on its way", 1_000, "host-1"),
    lastsMs: 5 * minute,
    // A dead process of one's own machine is seen to be dead.
    expected: {
      moves: [candidate],
      resumedWithinMs: 2_000,
      verifiedWithinMs: 7_000,
      hurtAtMost: hurtByOneFailure + 200,
    },
  },
  {
    name: "failover-watcher-dies-elsewhere",
    title: "The watcher's machine dies before the weights are written, and one on another machine finishes the move",
    failover: {},
    given: (stage) => watcherDies(stage, "on its way", 1_000, "host-2"),
    lastsMs: 5 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 25_000, hurtAtMost: hurtByOneFailure + 2_200 },
  },
  {
    name: "failover-watcher-dies-late",
    title:
      "The watcher's machine dies when the weights are written, and one on another machine sees the move to its end",
    failover: {},
    given: (stage) => watcherDies(stage, "reply on its way", 1_000, "host-2"),
    lastsMs: 5 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 25_000, hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-two-watchers",
    title: "Two machines watch: one of them moves the traffic, and the other one leaves it to that",
    failover: {},
    given: (stage) => {
      oldSideDies(stage);
      stage.watch("host-2");
    },
    lastsMs: 5 * minute,
    expected: { moves: [candidate], holds: ["swap-open"], hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-stale-decision",
    title:
      "Two watch; one stands still for a minute after its decision, and wakes when the other one has moved the traffic",
    failover: {},
    given: (stage) => {
      oldSideDies(stage);
      stage.watch("host-2");
      stage.onDecided = (process) => {
        stage.onDecided = () => undefined;
        process.stop();
        stage.world.after(minute, () => process.continue());
      };
    },
    lastsMs: 5 * minute,
    expected: { moves: [candidate], refuses: ["weights-moved-elsewhere"], hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-balancer-refuses",
    title: "The balancer's API refuses the move's weights six times",
    failover: {},
    given: (stage) => inTheMove(stage, () => stage.world.balancer.failNext("write", "refused", 6)),
    lastsMs: 6 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 70_000, hurtAtMost: hurtByOneFailure + 6_000 },
  },
  {
    name: "failover-balancer-unreadable",
    title: "The balancer's API does not show its weights when the failover begins, six times",
    failover: {},
    given: (stage) => {
      oldSideDies(stage);
      stage.when(
        (event) => event.kind === "engine",
        () => stage.world.balancer.failNext("read", "refused", 6),
      );
    },
    lastsMs: 6 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 70_000, hurtAtMost: hurtByOneFailure + 6_000 },
  },
  {
    name: "failover-balancer-refuses-the-entry",
    title: "The standby has no entry in the balancer yet, whose API refuses the failover's first six writes",
    failover: {},
    given: (stage) => {
      stage.world.balancer.interfere({ [oldSide]: 100 });
      oldSideDies(stage);
      stage.when(
        (event) => event.kind === "engine",
        () => stage.world.balancer.failNext("write", "refused", 6),
      );
    },
    lastsMs: 6 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 70_000, hurtAtMost: hurtByOneFailure + 6_000 },
  },
  {
    name: "failover-balancer-hangs",
    title: "The balancer's API does not answer the move's first two writes",
    failover: {},
    given: (stage) => inTheMove(stage, () => stage.world.balancer.failNext("write", "timeout", 2)),
    lastsMs: 6 * minute,
    expected: { moves: [candidate], verifiedWithinMs: 70_000, hurtAtMost: hurtByOneFailure + 7_000 },
  },
  {
    name: "failover-balancer-loses-the-reply",
    title: "The balancer takes the move's weights, and its reply is lost",
    failover: {},
    given: (stage) => inTheMove(stage, () => stage.world.balancer.failNext("write", "lost-reply")),
    lastsMs: 5 * minute,
    expected: { moves: [candidate], hurtAtMost: hurtByOneFailure },
  },
  {
    name: "failover-blind",
    title: "The watcher is cut off from the balancer for a minute, in which the serving side dies",
    failover: {},
    given: (stage) => {
      stage.world.after(calmMs - 5_000, () => stage.world.balancer.setReachable(false));
      oldSideDies(stage);
      stage.world.after(calmMs + 55_000, () => stage.world.balancer.setReachable(true));
    },
    lastsMs: 6 * minute,
    // Nobody knows what was in the gap: a whole window after it.
    expected: {
      moves: [candidate],
      holds: ["weights-unreadable", "window-not-covered"],
      detectedAfterMs: 84_500,
      detectedWithinMs: 90_000,
      hurtAtMost: hurtByOneFailure + 5_600,
    },
  },
  {
    name: "failover-disk-full",
    title: "The disk is full when the move begins, and is not a minute later",
    failover: {},
    given: (stage) => {
      oldSideDies(stage);
      stage.world.after(calmMs, () => stage.world.store.fail("disk-full"));
      stage.world.after(calmMs + minute, () => stage.world.store.fail(undefined));
    },
    lastsMs: 6 * minute,
    // It tries again with a window of its own.
    expected: {
      moves: [candidate],
      refuses: ["disk-full"],
      verifiedWithinMs: 40_000,
      hurtAtMost: 2 * hurtByOneFailure,
    },
  },
];
