/** Errors of the rules around the swap: stateless proof, choice and cost, alerts, audit. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const rulesErrors = {
  "stateless-violation": {
    exitCode: exitCodes.policy,
    what: "The workload keeps state on its platform, so that moving it would lose something.",
    next: "Move the named state to a service outside the platform.",
  },
} as const satisfies Record<string, CatalogueEntry>;
