/** Errors of guard, the Istio upgrades. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const guardErrors = {
  "guard-input-invalid": {
    exitCode: exitCodes.configuration,
    what: "The file from which a plan of an Istio upgrade is to be made cannot be read, or not all of it fits.",
    next: "Correct the places that are named.",
  },
  "guard-no-way": {
    exitCode: exitCodes.policy,
    what: "For a cluster of the batch no supported way leads to the target version.",
    next: "Choose the target, the strategy or the clusters as the message says.",
  },
} as const satisfies Record<string, CatalogueEntry>;
