/** Errors of the agent, the balancer, and what is read from them. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const trafficErrors = {
  "agent-unreachable": {
    exitCode: exitCodes.resource,
    what: "No instance of the agent on that platform answered: the balancer could not be reached, or it got no complete reply from an instance.",
    next: "Run `npx switchyard agent health --platform P` and look at the logs of its instances (locally in .switchyard/local/logs).",
  },
  "agent-operation-missing": {
    exitCode: exitCodes.resource,
    what: "The service on that platform does not have an operation that every agent must have.",
    next: "Deploy an image that answers POST /process, GET /health, GET /kiro-metrics and GET /info.",
  },
  "agent-reply-invalid": {
    exitCode: exitCodes.resource,
    what: "The agent on that platform gave a reply that does not have the form of the agent's contract. All problems are listed.",
    next: "Compare the image with services/kiro/contract.ts and deploy one that keeps to it.",
  },
  "traffic-unreachable": {
    exitCode: exitCodes.resource,
    what: "The balancer or its API gave no usable answer.",
    next: "Check the network and the endpoint; locally run `npx switchyard local status`. Traffic stays as it was.",
  },
  "traffic-not-found": {
    exitCode: exitCodes.resource,
    what: "The URL map that carries the weights does not exist.",
    next: "Bring the `traffic` stack of the environment up.",
  },
  "traffic-reply-invalid": {
    exitCode: exitCodes.resource,
    what: "The balancer's API gave an answer of a form that Switchyard does not understand, so the weights are not known.",
    next: "Look at the URL map by hand; its top-level route action must hold weighted backend services named by platform.",
  },
  "traffic-refused": {
    exitCode: exitCodes.resource,
    what: "The balancer's API refused the request. Nothing was changed.",
    next: "Correct what the message names and run the command again.",
  },
  "traffic-weights-invalid": {
    exitCode: exitCodes.configuration,
    what: "The weights cannot be set: they must be percentages of known platforms with at most one decimal that add up to 100.",
    next: "Give weights that add up to 100, for example gke=95 cloud-run=5.",
  },
  "fingerprint-conflict": {
    exitCode: exitCodes.resource,
    what: "Somebody else changed the balancer between the read and the write. Nothing was changed by the write.",
    next: "Read the weights again, then repeat the write.",
  },
  "feed-unreachable": {
    exitCode: exitCodes.resource,
    what: "The feed of finished requests gave no usable answer, so the gates cannot see errors.",
    next: "Locally run `npx switchyard local status`. A swap pauses after 5 s without its feed and goes on with `npx switchyard swap resume`.",
  },
  "failover-off": {
    exitCode: exitCodes.configuration,
    what: "Failover is switched off for the environment, so there is nothing to watch for.",
    next: "Set failover.policy of the environment in switchyard.yaml to propose or automatic; `npx switchyard failover run --to gke` moves the traffic whatever the policy is.",
  },
  "standby-not-ready": {
    exitCode: exitCodes.resource,
    what: "The platform that was to take the traffic over does not stand by: its agent does not answer through the balancer.",
    next: "Bring it up and attach it: `npx switchyard up PLATFORM.ENV`, then `npx switchyard up traffic.ENV --platforms A,B`.",
  },
  "fail-back-unreachable": {
    exitCode: exitCodes.resource,
    what: "The flag with which a side hands its requests back could not be set or read. The balancer's weights do not depend on it.",
    next: "Locally run `npx switchyard local status`.",
  },
  "metric-unreadable": {
    exitCode: exitCodes.resource,
    what: "A source of metrics (Prometheus, Cloud Monitoring, Datadog) could not be read: it was not reached, it refused, it answered with several series, or its answer was not understood. Nothing is judged by it; a metric that cannot be read is never taken for zero.",
    next: "Try the query that the message names in the source itself; look at `sources` under `swap.metrics` in switchyard.yaml. An unreadable metric is asked again every 10 s, and the swap pauses after 5 times in a row.",
  },
} as const satisfies Record<string, CatalogueEntry>;
