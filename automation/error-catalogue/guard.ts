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
  "git-host-unreachable": {
    exitCode: exitCodes.error,
    what: "The Git host did not answer, or answered with an error of its own.",
    next: "Look at the message; the same command continues where it stopped.",
  },
  "git-host-refused": {
    exitCode: exitCodes.authentication,
    what: "The Git host refused the token or what it may do.",
    next: "Give a token with scope api and the role of a developer.",
  },
  "git-host-not-found": {
    exitCode: exitCodes.resource,
    what: "The Git host has no such repository, branch, commit or merge request, or the token may not see it.",
    next: "Compare the name with the registry's.",
  },
  "git-host-busy": {
    exitCode: exitCodes.timeout,
    what: "The Git host throttled for longer than is waited for.",
    next: "Run the same command again later; it continues where it stopped.",
  },
  "git-host-rejected": {
    exitCode: exitCodes.error,
    what: "The Git host did not accept what was asked of it: a file is not as it was taken for, a branch is in the way, or an answer is not understood.",
    next: "Look at the message; nothing was written.",
  },
  "cluster-unreachable": {
    exitCode: exitCodes.error,
    what: "The API of a cluster did not answer.",
    next: "Look at the message; nothing was changed in the cluster.",
  },
  "cluster-refused": {
    exitCode: exitCodes.authentication,
    what: "A cluster, or the role that leads into it, refused the credentials or what they may do.",
    next: "Compare the role and its policy with the component GuardRole.",
  },
  "istioctl-missing": {
    exitCode: exitCodes.configuration,
    what: "There is no istioctl of the minor that is needed.",
    next: "Install it, or name its path in guard.istioctl.",
  },
  "istioctl-unsafe": {
    exitCode: exitCodes.policy,
    what: "The istioctl that was found may start programs that a cluster names (fixed in 1.29.8, 1.30.5 and 1.31.1).",
    next: "Install a fixed one.",
  },
  "istioctl-failed": {
    exitCode: exitCodes.error,
    what: "The tool istioctl failed, took too long, or printed what is not understood.",
    next: "Look at the message.",
  },
  "guard-unknown-cluster": {
    exitCode: exitCodes.resource,
    refusal: true,
    what: "The registry has no such cluster or batch.",
    next: "Run `npx switchyard guard list` to see what there is.",
  },
  "guard-locked": {
    exitCode: exitCodes.resource,
    refusal: true,
    what: "Another process works on this batch.",
    next: "Wait until it is done; its lease ends by itself when it died.",
  },
  "guard-conflict": {
    exitCode: exitCodes.resource,
    what: "Somebody else changed the state of a cluster in the meantime.",
    next: "Run the same command again.",
  },
  "guard-refused": {
    exitCode: exitCodes.policy,
    what: "A rule or the state of a cluster does not allow it. Nothing was written.",
    next: "Do what the findings say.",
  },
  "guard-checks-failed": {
    exitCode: exitCodes.policy,
    what: "The checks of a batch did not pass: no merge request was opened.",
    next: "Do what the findings say, and run the same command again; `npx switchyard guard check --cluster ID` looks at one cluster.",
  },
  "guard-paused": {
    exitCode: exitCodes.error,
    what: "A batch waits for a person. Git and clusters are as it left them.",
    next: "Repair what the message names, then `npx switchyard guard resume --batch BATCH`.",
  },
  "guard-failed": {
    exitCode: exitCodes.error,
    what: "A batch did not reach its version: it goes back, has gone back, or was given up.",
    next: "Run `npx switchyard guard status` to see where it stands, and `npx switchyard guard bundle --cluster ID` for what its failure looked like.",
  },
  "guard-plan-changed": {
    exitCode: exitCodes.policy,
    what: "A stored plan has another hash than it must have, or was made for something else.",
    next: "Make a new plan.",
  },
  "deployment-event-lost": {
    exitCode: exitCodes.error,
    what: "The system that keeps events of deployments was not told of one. Nothing depends on it.",
    next: "Look at the message.",
  },
  "module-unusable": {
    exitCode: exitCodes.configuration,
    what: "A module that the configuration names cannot be loaded, or has not the export or the form that is needed.",
    next: "Compare the module with what the message says.",
  },
  "language-model-failed": {
    exitCode: exitCodes.error,
    what: "The language model did not answer, or not in the form that was asked for. Its advice is left out; nothing depends on it.",
    next: "Look at the message.",
  },
} as const satisfies Record<string, CatalogueEntry>;
