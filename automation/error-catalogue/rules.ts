/** Errors of the rules around the swap: stateless proof, choice and cost, alerts, audit. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const rulesErrors = {
  "budget-off": {
    exitCode: exitCodes.configuration,
    what: "No budget is kept for the environment: its policy is off, or no platform has a cost_threshold.",
    next: "Set cost.budget.policy to propose or automatic in the environment's section of switchyard.yaml, and cost_threshold (USD a month) at its platforms.",
  },
  "load-unknown": {
    exitCode: exitCodes.error,
    what: "Too few requests were seen, and no usage says how many there are, so that nothing can be said about a month.",
    next: "State the usage in a file and give it with `npx switchyard cost --usage FILE`, or watch for longer with --observe.",
  },
  "price-unknown": {
    exitCode: exitCodes.configuration,
    what: "The price table that comes with the product has no price for what is asked.",
    next: "Look at the regions in the message; `npx switchyard cost --allow-stand-in` takes another region's price and marks it unverified.",
  },
  "selection-impossible": {
    exitCode: exitCodes.policy,
    what: "No platform can do all that the environment requires, or the one that switchyard.yaml names cannot.",
    next: "Change selection.requires or selection.platform in switchyard.yaml; the message says what rules each platform out.",
  },
  "stateless-violation": {
    exitCode: exitCodes.policy,
    what: "The workload keeps state on its platform, so that moving it would lose something.",
    next: "Move the named state to a service outside the platform.",
  },
  "manifest-unreadable": {
    exitCode: exitCodes.configuration,
    what: "A manifest is not there, or nothing in what was named is one.",
    next: "Name files or folders with rendered Kubernetes manifests, or - for the standard input.",
  },
  "compliance-unreadable": {
    exitCode: exitCodes.resource,
    what: "What really runs cannot be read, so nobody can say whether it is still stateless.",
    next: "Run `npx switchyard refresh STACK`, which says why its platform cannot be read.",
  },
  "audit-damaged": {
    exitCode: exitCodes.error,
    what: "The audit log was changed, or lost lines, or cannot be written. A command that would change something was not begun.",
    next: "Look with `npx switchyard audit verify`; `npx switchyard audit set-aside --reason WHY` keeps the log as it is and begins a new one.",
  },
  "literal-secret": {
    exitCode: exitCodes.configuration,
    what: "A secret stands in a configuration in clear. It was not used, and is not repeated here.",
    next: "Put it into Secret Manager and name it: `secrets: {NAME: projects/P/secrets/S/versions/V}`. Then change the secret where it was issued: it may have been seen.",
  },
  "alert-target-failed": {
    exitCode: exitCodes.resource,
    what: "A place where people are told of alerts did not take a notice. What waits for it is kept and sent again.",
    next: "Repair what the message names, then `npx switchyard alert test` and `npx switchyard alert retry`.",
  },
  "unknown-alert": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "No alert or silence of that number is known.",
    next: "Run `npx switchyard alert list` to see the numbers.",
  },
  "metrics-unreachable": {
    exitCode: exitCodes.error,
    what: "The source of a platform's metrics did not answer, so that no figure of the platform is known.",
    next: "On this machine bring the local cloud up (`npx switchyard local start`); on Google Cloud look at the credentials and at the Cloud Monitoring API of the project.",
  },
  "not-healthy": {
    exitCode: exitCodes.error,
    what: "A platform is degraded or unhealthy, or something of it cannot be seen, which is not the same as well.",
    next: "Look at `npx switchyard metrics` and, on this machine, at the logs in .switchyard/local/logs.",
  },
} as const satisfies Record<string, CatalogueEntry>;
