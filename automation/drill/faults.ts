/** Every fault of the drill, as data. */
import type { Fault } from "./fault.ts";
import { balancerFaults } from "./faults/balancer.ts";
import { candidateFaults } from "./faults/candidate.ts";
import { engineFaults } from "./faults/engine.ts";
import { failoverFaults } from "./faults/failover.ts";
import { freezeFaults } from "./faults/freeze.ts";
import { metricFaults } from "./faults/metrics.ts";
import { oldSideFaults } from "./faults/old-side.ts";
import { personFaults } from "./faults/person.ts";
import { statelessFaults } from "./faults/stateless.ts";
import { trafficFaults } from "./faults/traffic.ts";

export const faults: readonly Fault[] = [
  ...candidateFaults,
  ...oldSideFaults,
  ...balancerFaults,
  ...engineFaults,
  ...personFaults,
  ...trafficFaults,
  ...freezeFaults,
  ...metricFaults,
  ...statelessFaults,
  ...failoverFaults,
];
