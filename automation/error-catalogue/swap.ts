/** Errors of swaps. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const swapErrors = {
  "acceptance-failed": {
    exitCode: exitCodes.error,
    what: "The candidate failed the acceptance suite on the dark route. No user's request had gone to it.",
    next: "Look at the candidate with `npx switchyard agent info --platform P` and `npx switchyard agent health --platform P`.",
  },
  "candidate-not-ready": {
    exitCode: exitCodes.timeout,
    what: "The candidate platform did not report ready within health_check_timeout.",
    next: "Look at the candidate's logs (locally in .switchyard/local/logs); raise health_check_timeout if it only needs longer.",
  },
  "endpoints-missing": {
    exitCode: exitCodes.timeout,
    what: "The platform's endpoint groups did not appear in time, so that the balancer cannot reach it.",
    next: "Look at the annotation cloud.google.com/neg-status and the events of the Service in the cluster.",
  },
  "platform-in-use": {
    exitCode: exitCodes.resource,
    refusal: true,
    what: "A platform cannot be taken away, because the balancer still knows it or sends requests to it.",
    next: "Move the traffic with `npx switchyard swap start --to gke`, then take the platform from the balancer with `npx switchyard up traffic.local --platforms gke`.",
  },
  "no-swap": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "There is no swap that the command could act on.",
    next: "Run `npx switchyard swap history` to see the swaps of the environment.",
  },
  "swap-already-there": {
    exitCode: exitCodes.configuration,
    what: "The platform that a swap should go to serves already.",
    next: "Name another platform. A new image on the same one: `npx switchyard up STACK --image FOLDER`.",
  },
  "swap-cannot-return": {
    exitCode: exitCodes.error,
    what: "The swap has passed the point from which the old side could take the traffic back.",
    next: "Start a swap in the other direction.",
  },
  "swap-disabled": {
    exitCode: exitCodes.configuration,
    what: "Swaps are switched off for the environment (swap.enabled: false).",
    next: "Set swap.enabled to true in switchyard.yaml.",
  },
  "swap-failed": {
    exitCode: exitCodes.error,
    what: "The swap did not reach its end; the message says why and where traffic is now.",
    next: "Run `npx switchyard swap why` to see the numbers that decided.",
  },
  "swap-in-progress": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "A swap of the environment is running; only one may.",
    next: "Follow it with `npx switchyard swap watch`, or stop it with `npx switchyard swap abort`.",
  },
  "swap-interrupted": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "A swap of the environment was interrupted and has not ended. Weights are where it left them.",
    next: "Run `npx switchyard swap resume` to go on, or `npx switchyard swap abort` to go back.",
  },
  "swap-frozen": {
    exitCode: exitCodes.policy,
    what: "A freeze window holds, in which no swap starts and no step begins. Going back is always possible.",
    next: "Wait until the window ends, or change swap.freeze in switchyard.yaml.",
  },
  "swap-no-capacity": {
    exitCode: exitCodes.configuration,
    what: "The platform that a swap should go to may not have as many instances as the traffic of the serving one needs.",
    next: "Raise auto_scale_config.max_instances of the platform in switchyard.yaml; `npx switchyard swap plan --to gke` shows the numbers.",
  },
  "swap-no-rollback-window": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "There is no rollback window that could be ended: the swap has not come to it, or has none.",
    next: "Run `npx switchyard swap status` to see where the swap stands; a bake is ended with `npx switchyard swap promote`.",
  },
  "swap-not-baking": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "The swap neither bakes nor is in its rollback window, so there is nothing to extend.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-not-promotable": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "The swap is not at a point that a person could let pass.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-not-retryable": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "There is nothing to try again: the swap was completed, or it runs and nothing of it failed.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-over-budget": {
    exitCode: exitCodes.policy,
    what: "A step of the swap would lose more requests than swap.error_budget allows, if the new side failed them all.",
    next: "Choose smaller steps with --ramp, raise swap.error_budget, or add --allow-over-budget. `npx switchyard swap plan --to gke` shows the numbers.",
  },
  "swap-paused": {
    exitCode: exitCodes.error,
    what: "The swap waits for a person. Weights are where it left them.",
    next: "Repair what the message names, then `npx switchyard swap resume`, or `npx switchyard swap abort` to go back.",
  },
  "weights-moved-elsewhere": {
    exitCode: exitCodes.resource,
    what: "Somebody else changed the balancer's weights in the middle of a swap.",
    next: "Look with `npx switchyard traffic show`; go back with `npx switchyard swap rollback`.",
  },
} as const satisfies Record<string, CatalogueEntry>;
