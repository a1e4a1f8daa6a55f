/** Faults of the engine's process, its disk, its clock, and its competitors. */
import type { SwapFault } from "../fault.ts";
import type { SimulatedProcess } from "../simulation/process.ts";
import { candidate, type Stage } from "../stage.ts";

/** Stands still in front of a write that it has decided on, as under SIGSTOP, and is woken later. */
function stopInFrontOf(stage: Stage, share: number, forMs: number, whileStopped: () => void): void {
  const { world } = stage;
  world.onPoint = (point: string, process: SimulatedProcess) => {
    if (!point.startsWith("write ") || !point.includes(`"${candidate}":${share}}`) || !point.endsWith("on its way"))
      return;
    world.onPoint = () => undefined;
    stage.declare();
    process.stop();
    whileStopped();
    world.after(forMs, () => process.continue());
  };
}

/** Dies, and nobody drives the swap until another process is started so much later, ms. */
function diesFor(stage: Stage, ms: number, host: string): void {
  const { engine } = stage;
  engine?.process.kill();
  stage.world.after(ms, () => stage.start({ host }));
}

const disk = (code: "disk-full" | "disk-read-only", title: string): SwapFault => ({
  name: code,
  title,
  given: (stage) => {
    stage.atShare(5, () => stage.world.store.fail(code));
    stage.repair = () => stage.world.store.fail(undefined);
  },
  expected: { ends: "completed", stopsFor: [code] },
});

export const engineFaults: readonly SwapFault[] = [
  disk("disk-full", "The disk is full"),
  disk("disk-read-only", "The disk becomes read-only"),
  {
    name: "clock-jumps-ahead",
    title: "Somebody sets the system's clock three hours ahead",
    given: (stage) => stage.atShare(25, () => stage.world.clock.setWall(3 * 3_600_000)),
    expected: { ends: "completed" },
  },
  {
    name: "clock-jumps-back",
    title: "The system's clock is set back by three hours, and another process takes over",
    given: (stage) =>
      stage.atShare(25, () => {
        stage.world.clock.setWall(-3 * 3_600_000);
        diesFor(stage, 1_000, "host-1");
      }),
    expected: { ends: "completed" },
  },
  {
    name: "two-engines",
    title: "A second engine wants the same swap",
    given: (stage) =>
      stage.atShare(25, () => {
        stage.intrude();
      }),
    expected: { ends: "completed", refuses: ["swap-in-progress"] },
  },
  {
    name: "dies-here",
    title: "The engine dies and another one on the same machine takes over",
    given: (stage) => stage.atShare(25, () => diesFor(stage, 1_000, "host-1")),
    // A dead process of one's own machine is seen to be dead; then three calls to the balancer's API and some probes.
    expected: { ends: "completed", resumedWithinMs: 2_000 },
  },
  {
    name: "dies-elsewhere",
    title: "The engine's machine dies and one on another machine takes over",
    given: (stage) => stage.atShare(25, () => diesFor(stage, 1_000, "host-2")),
    expected: { ends: "completed" },
  },
  {
    name: "stopped-briefly",
    title: "The engine stands still for five seconds, in front of a write",
    given: (stage) => stopInFrontOf(stage, 25, 5_000, () => undefined),
    expected: { ends: "completed" },
  },
  {
    name: "stopped-and-replaced",
    title: "The engine stands still for a minute in front of a write, another one takes over, and the first wakes",
    given: (stage) => stopInFrontOf(stage, 25, 60_000, () => stage.start({ host: "host-2" })),
    expected: { ends: "completed" },
  },
  {
    name: "stopped-with-a-dead-candidate",
    title: "The same, and the one that took over goes back: the first must not write its step on top",
    given: (stage) =>
      stopInFrontOf(stage, 25, 90_000, () => {
        stage.world.balancer.setSide(candidate, { gatewayErrors: 1 });
        stage.start({ host: "host-2" });
      }),
    expected: { ends: "rolled-back", reasons: ["candidate-gateway-errors", "candidate-errors"], hurtAtMost: 200 },
  },
  {
    name: "dead-for-an-hour-hold",
    title: "Nobody drives the swap for an hour, and the policy is to hold",
    given: (stage) => stage.atShare(25, () => diesFor(stage, 3_600_000, "host-2")),
    expected: { ends: "completed", alerts: ["engine-was-dead"] },
  },
  {
    name: "dead-for-an-hour-revert",
    title: "Nobody drives the swap for an hour, and the policy is to revert",
    world: { swap: { dead_man: { policy: "revert", after: 600 } } },
    given: (stage) => stage.atShare(25, () => diesFor(stage, 3_600_000, "host-2")),
    expected: { ends: "rolled-back", reasons: ["engine-was-dead"] },
  },
];
