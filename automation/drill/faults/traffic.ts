/** Traffic that is not what gates would like. */
import type { SwapFault } from "../fault.ts";

export const trafficFaults: readonly SwapFault[] = [
  {
    name: "zero-traffic",
    title: "No user asks anything, until somebody does",
    world: { requestsPerSecond: 0 },
    given: (stage) => {
      stage.declare();
      stage.repair = () => stage.world.balancer.setRequestsPerSecond(100);
    },
    expected: { ends: "completed", stopsFor: ["silence", "step-inconclusive"] },
  },
  {
    name: "zero-traffic-topped-up",
    title: "No user asks anything, and synthetic requests stand in",
    world: { requestsPerSecond: 0, swap: { gates: { on_silence: "top-up", top_up_rate: 50, silence_after: 10 } } },
    given: (stage) => stage.declare(),
    expected: { ends: "completed" },
  },
  {
    name: "zero-traffic-told",
    title: "No user asks anything for a minute, and people are told of it once",
    world: { swap: { gates: { on_silence: "notify", silence_after: 10 } } },
    given: (stage) => {
      let told = 0;
      const count = (): void =>
        stage.when(
          (event) => event.kind === "noticed" && event.reason === "silence",
          () => {
            told += 1;
            count();
          },
        );
      count();
      stage.atShare(25, () => {
        stage.world.balancer.setRequestsPerSecond(0);
        stage.world.after(60_000, () => {
          if (told !== 1) stage.findings.push(`people were told ${told} times of the silence, not once`);
          stage.world.balancer.setRequestsPerSecond(100);
        });
      });
    },
    expected: { ends: "completed", alerts: ["silence"] },
  },
  {
    name: "one-request-a-minute",
    title: "One request a minute: too little for any verdict, so a person decides",
    world: { requestsPerSecond: 1 / 60 },
    given: (stage) => stage.declare(),
    expected: {
      ends: "rolled-back",
      reasons: ["requested-rollback"],
      stopsFor: ["silence", "step-inconclusive"],
      operator: "rollback",
    },
  },
  {
    name: "bursts",
    title: "Nothing, and 300 requests a second for a second of every ten",
    given: (stage) => {
      stage.declare();
      stage.world.balancer.setArrivals({ perSecond: 300, bursts: { everyMs: 10_000, lengthMs: 1_000 } });
    },
    expected: { ends: "completed" },
  },
];
