/** The hop planner over all pairs 1.22 to 1.31, Kubernetes 1.27 to 1.36 and both strategies, cold. Goal: under a second. */
import { planHops } from "../../automation/guard/plan/hops.ts";
import { eksSupport, istioSupport, strategies } from "../../automation/guard/plan/support.ts";
import { minorParts } from "../../automation/guard/plan/versions.ts";

const goalMs = 1_000;
const startedAt = performance.now();
let plans = 0;
let routes = 0;
for (const strategy of strategies)
  for (const { minor: kubernetes } of eksSupport)
    for (const { minor: from } of istioSupport)
      for (const { minor: to } of istioSupport) {
        const [fromParts, toParts] = [minorParts(from), minorParts(to)];
        const found = planHops({
          from: { major: fromParts[0], minor: fromParts[1], patch: 0, pre: "" },
          to: { major: toParts[0], minor: toParts[1], patch: 9, pre: "" },
          kubernetes,
          strategy,
        });
        plans += 1;
        if (found.kind === "route") routes += 1;
      }
const took = performance.now() - startedAt;
const met = took < goalMs;
process.stdout.write(
  `hop planner: ${plans.toLocaleString("en")} plans, ${routes} with a way, in ${took.toFixed(0)} ms (goal under ${goalMs} ms: ${met ? "met" : "missed"})\n`,
);
if (!met) process.exitCode = 1;
