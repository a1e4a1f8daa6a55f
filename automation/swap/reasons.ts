/**
 * Every reason a swap may give, as a pair: the key for machines, the sentence for people. Evidence (numbers) goes beside it.
 */
export const reasons = {
  "start-requested": "a swap was asked for",
  "platform-deployed": "the candidate platform is up",
  "backend-attached": "the balancer knows the candidate",
  "entry-added": "the candidate has an entry of weight 0",
  "acceptance-passed": "all four operations pass on the dark route",
  "step-successful": "the data plane follows the weight and the candidate does no worse",
  "step-promoted": "a person let the step pass; the weight was still verified",
  "bake-passed": "the bake at 100 % ended without a finding",
  "bake-promoted": "a person ended the bake",
  "side-drained": "nothing is in flight on the side that was left",
  "drain-timed-out": "the drain time is over",
  "entry-removed": "the balancer has no entry for the side that was left",
  "backend-detached": "the balancer no longer knows the side that was left",
  "platform-removed": "the side that was left is decommissioned",
  "candidate-errors": "errors fall on the candidate more often than its share of requests explains",
  "candidate-error-ceiling": "the candidate's share of failed requests is above rollback_threshold",
  "candidate-gateway-errors": "the candidate failed several requests in a row at the balancer",
  "candidate-not-ready": "the candidate did not become ready in time",
  "acceptance-failed": "the candidate failed the acceptance suite on the dark route",
  "attach-failed": "the balancer could not be given the candidate",
  "routing-failed": "the balancer did not take the weight",
  "deployment-failed": "the candidate platform could not be brought up",
  "weights-moved-elsewhere": "somebody else changed the weights",
  "step-inconclusive": "the step did not gather enough evidence in its time",
  "requested-abort": "a person aborted the swap",
  "requested-rollback": "a person asked for a rollback",
  "requested-pause": "a person paused the swap",
  "traffic-returned": "all traffic is verified back on the old side",
  "cleanup-failed": "a side that carries no traffic could not be removed",
  "feed-unreadable": "the request feed cannot be read",
} as const;

export type Reason = keyof typeof reasons;
