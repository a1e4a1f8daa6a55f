/** What people are told of the watch outside swaps. Pure. */
import type { SwitchyardError } from "../errors.ts";
import { type FailoverDecision, type FailoverReason, failoverReasons } from "../failover/decide.ts";
import type { Severity } from "../ports/notifier.ts";
import { type AlertInput, clipped, dedupKey, raise } from "./alert.ts";

/** A side that serves and fails is critical, whatever is done about it; undefined: nobody is told. */
const severities: Readonly<Record<FailoverReason, Severity | undefined>> = {
  "policy-off": undefined,
  "weights-unreadable": undefined,
  "traffic-split": undefined,
  "window-not-covered": undefined,
  "too-few-requests": undefined,
  "serving-well": undefined,
  "state-unreadable": "critical",
  // The swap has alerts of its own, and may be what moves the traffic.
  "swap-open": "warning",
  "no-standby": "critical",
  "standby-not-ready": "critical",
  "standby-failing-too": "critical",
  "moves-used-up": "critical",
  dwell: "critical",
  // People know.
  proposed: undefined,
  "serving-fails": "critical",
};

export function failoverSeverity(reason: FailoverReason): Severity | undefined {
  return severities[reason];
}

const prefix = (environment: string): string => `${dedupKey(environment, "failover")}/`;

export function failoverAlerts(environment: string, decision: FailoverDecision, at: number): readonly AlertInput[] {
  const { kind, reason, from, to, evidence } = decision;
  if (kind === "nothing")
    return reason === "serving-well" ? [{ kind: "resolve", at, keyPrefix: prefix(environment) }] : [];
  const severity = severities[reason];
  if (severity === undefined) return [];
  const what =
    kind === "move"
      ? `${failoverReasons[reason]}; the traffic is being moved to ${to}`
      : kind === "propose"
        ? `${failoverReasons[reason]}; a failover to ${to} is proposed`
        : `it fails and nothing is moved: ${failoverReasons[reason]}`;
  const alert = {
    code: reason,
    severity,
    environment,
    platform: from,
    title: `${from} serves ${environment}: ${what}`,
    detail: Object.entries(evidence)
      .map(([name, value]) => `${name} ${value}`)
      .join(", "),
    next:
      kind === "propose"
        ? [`To do it:   npx switchyard failover run --to ${to} --env ${environment}`]
        : [`To look:   npx switchyard traffic show --env ${environment}`],
    at,
    dedupKey: `${prefix(environment)}${dedupKey(from ?? "", reason)}`,
  };
  return [raise(alert, "cleared")];
}

/** A move that was decided and not made. What the failover's own journal has said is not said twice. */
export function moveFailedAlerts(
  environment: string,
  { from, to }: FailoverDecision,
  error: SwitchyardError,
  at: number,
): readonly AlertInput[] {
  if (error.code === "swap-failed" || error.code === "swap-paused") return [];
  return [
    raise(
      {
        code: error.code,
        severity: "critical",
        environment,
        platform: from,
        title: clipped(`${from} serves ${environment} and fails; the traffic was not moved to ${to}`, 300),
        detail: clipped(error.message, 600),
        next: error.next,
        at,
        dedupKey: `${prefix(environment)}${dedupKey(from ?? "", error.code)}`,
      },
      "cleared",
    ),
  ];
}

const blindPrefix = (environment: string): string => `${dedupKey(environment, "failover-watch")}/`;

/** The watch sees no requests, so it would not see a failure. */
export function blindAlerts(environment: string, error: SwitchyardError, at: number): readonly AlertInput[] {
  return [
    raise(
      {
        code: error.code,
        severity: "warning",
        environment,
        title: `The failover watch of ${environment} sees no requests`,
        detail: clipped(error.message, 600),
        next: error.next,
        at,
        dedupKey: `${blindPrefix(environment)}${error.code}`,
      },
      "cleared",
    ),
  ];
}

export function seeingAlerts(environment: string, at: number): AlertInput {
  return { kind: "resolve", at, keyPrefix: blindPrefix(environment) };
}
