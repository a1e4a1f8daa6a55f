import { isDeepStrictEqual } from "node:util";
import type { FieldError } from "../kubernetes-error.ts";
import { forbiddenField, invalidValue, notSimulated, required, unsupportedValue } from "../kubernetes-error.ts";
import { negErrors } from "../neg-annotation.ts";
import type { Autoscaler, DeclaredRules, MetricSpec } from "../objects/autoscaler.ts";
import { intOrPercentErrors } from "../objects/int-or-percent.ts";
import type { LabelSelector } from "../objects/label-selector.ts";
import { isEmptySelector, selectorErrors, selectorMatches } from "../objects/label-selector.ts";
import type { Pod, PodTemplate } from "../objects/pod.ts";
import type { DisruptionBudget } from "../objects/policies.ts";
import type { Service } from "../objects/service.ts";
import type { ConfigMap, Secret } from "../objects/settings.ts";
import type { Deployment, ReplicaSet } from "../objects/workloads.ts";
import { labelErrors } from "./name-rules.ts";
import { podSpecErrors } from "./pod-rules.ts";

/** The API server's validation per kind. Pure; `previous` is the stored object of an update. */

export function deploymentErrors(next: Deployment, previous: Deployment | undefined): FieldError[] {
  const { spec } = next;
  const errors = [
    ...notNegative("spec.replicas", spec.replicas),
    ...workloadErrors(spec.selector, spec.template),
    ...notNegative("spec.minReadySeconds", spec.minReadySeconds),
    ...notNegative("spec.revisionHistoryLimit", spec.revisionHistoryLimit),
  ];
  const { rollingUpdate, type } = spec.strategy;
  const path = "spec.strategy.rollingUpdate";
  if (type === "Recreate" && rollingUpdate !== undefined) {
    errors.push(forbiddenField(path, "may not be specified when strategy `type` is 'Recreate'"));
  } else if (rollingUpdate !== undefined) {
    errors.push(...intOrPercentErrors(rollingUpdate.maxSurge, `${path}.maxSurge`));
    errors.push(...intOrPercentErrors(rollingUpdate.maxUnavailable, `${path}.maxUnavailable`));
    if (isZero(rollingUpdate.maxSurge) && isZero(rollingUpdate.maxUnavailable)) {
      errors.push(
        invalidValue(`${path}.maxUnavailable`, rollingUpdate.maxUnavailable, "may not be 0 when `maxSurge` is 0"),
      );
    }
  }
  if (spec.progressDeadlineSeconds <= spec.minReadySeconds) {
    errors.push(
      invalidValue(
        "spec.progressDeadlineSeconds",
        spec.progressDeadlineSeconds,
        "must be greater than minReadySeconds",
      ),
    );
  }
  return [...errors, ...selectorIsKept(spec.selector, previous?.spec.selector)];
}

export function replicaSetErrors(next: ReplicaSet, previous: ReplicaSet | undefined): FieldError[] {
  return [
    ...notNegative("spec.replicas", next.spec.replicas),
    ...workloadErrors(next.spec.selector, next.spec.template),
    ...selectorIsKept(next.spec.selector, previous?.spec.selector),
  ];
}

function workloadErrors(selector: LabelSelector, template: PodTemplate): FieldError[] {
  const errors = selectorErrors(selector, "spec.selector");
  const { labels } = template.metadata;
  if (isEmptySelector(selector)) {
    errors.push(invalidValue("spec.selector", selector, "empty selector is invalid for deployment"));
  } else if (!selectorMatches(selector, labels)) {
    errors.push(invalidValue("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  }
  return [
    ...errors,
    ...labelErrors(labels, "spec.template.labels"),
    ...podSpecErrors(template.spec, "spec.template.spec", ["Always"]),
  ];
}

function selectorIsKept(next: LabelSelector, previous: LabelSelector | undefined): FieldError[] {
  return previous === undefined || isDeepStrictEqual(next, previous)
    ? []
    : [invalidValue("spec.selector", next, "field is immutable")];
}

export function podErrors(next: Pod, previous: Pod | undefined): FieldError[] {
  if (previous !== undefined && !isDeepStrictEqual(placed(next), placed(previous))) {
    return [
      forbiddenField(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
      ),
    ];
  }
  return podSpecErrors(next.spec, "spec", ["Always", "OnFailure", "Never"]);
}

/** The scheduler fills in the node, so that an update need not name it. */
function placed(pod: Pod): unknown {
  return { ...pod.spec, nodeName: undefined };
}

export function serviceErrors(next: Service, previous: Service | undefined): FieldError[] {
  const { spec } = next;
  const errors: FieldError[] = [];
  if (["NodePort", "LoadBalancer", "ExternalName"].includes(spec.type)) {
    errors.push(
      notSimulated("spec.type", "use ClusterIP, with the annotation cloud.google.com/neg for a load balancer"),
    );
  } else if (spec.type !== "ClusterIP") {
    errors.push(unsupportedValue("spec.type", spec.type, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]));
  }
  if (spec.ports.length === 0 && spec.clusterIP !== "None") {
    errors.push(required("spec.ports"));
  }
  for (const [index, port] of spec.ports.entries()) {
    const path = `spec.ports[${index}]`;
    if (port.port < 1 || port.port > 65535) {
      errors.push(invalidValue(`${path}.port`, port.port, "must be between 1 and 65535, inclusive"));
    }
    if (port.name === undefined && spec.ports.length > 1) {
      errors.push(required(`${path}.name`));
    }
    if (spec.ports.findIndex((other) => other.port === port.port && other.protocol === port.protocol) < index) {
      errors.push({ path, text: `Duplicate value: ${JSON.stringify({ port: port.port, protocol: port.protocol })}` });
    }
    if (!["SCTP", "TCP", "UDP"].includes(port.protocol)) {
      errors.push(unsupportedValue(`${path}.protocol`, port.protocol, ["SCTP", "TCP", "UDP"]));
    }
  }
  if (previous !== undefined && spec.clusterIP !== "" && spec.clusterIP !== previous.spec.clusterIP) {
    errors.push(invalidValue("spec.clusterIPs[0]", [spec.clusterIP], "may not change once set"));
  }
  return [...errors, ...negErrors(next)];
}

export function configMapErrors(next: ConfigMap, previous: ConfigMap | undefined): FieldError[] {
  return immutableDataErrors(next, previous);
}

export function secretErrors(next: Secret, previous: Secret | undefined): FieldError[] {
  const errors = immutableDataErrors(next, previous);
  return previous !== undefined && previous.type !== next.type
    ? [...errors, invalidValue("type", next.type, "field is immutable")]
    : errors;
}

function immutableDataErrors(next: ConfigMap | Secret, previous: ConfigMap | Secret | undefined): FieldError[] {
  return previous?.immutable === true && !isDeepStrictEqual(next.data, previous.data)
    ? [forbiddenField("data", "field is immutable when `immutable` is set")]
    : [];
}

export function autoscalerErrors(next: Autoscaler): FieldError[] {
  const { minReplicas, maxReplicas } = next.spec;
  const errors: FieldError[] = [];
  if (minReplicas < 1) {
    errors.push(invalidValue("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  }
  if (maxReplicas < 1) {
    errors.push(invalidValue("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  }
  if (maxReplicas < minReplicas) {
    errors.push(invalidValue("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  const { scaleUp, scaleDown } = next.spec.behavior ?? {};
  return [
    ...errors,
    ...next.spec.metrics.flatMap((metric, i) => metricErrors(metric, `spec.metrics[${i}]`)),
    ...scalingRuleErrors(scaleUp, "spec.behavior.scaleUp"),
    ...scalingRuleErrors(scaleDown, "spec.behavior.scaleDown"),
  ];
}

function metricErrors({ resource }: MetricSpec, path: string): FieldError[] {
  const { averageUtilization } = resource?.target ?? {};
  return averageUtilization === undefined || averageUtilization > 0
    ? []
    : [invalidValue(`${path}.resource.target.averageUtilization`, averageUtilization, "must be greater than 0")];
}

/** Kubernetes: pkg/apis/autoscaling/validation, at most an hour of stabilization and half an hour of period. */
function scalingRuleErrors(rules: DeclaredRules | undefined, path: string): FieldError[] {
  const { stabilizationWindowSeconds: window, policies } = rules ?? {};
  const errors: FieldError[] = [];
  if (window !== undefined && (window < 0 || window > 3600)) {
    const text = window < 0 ? "must be greater than or equal to zero" : "must be less than or equal to 3600";
    errors.push(invalidValue(`${path}.stabilizationWindowSeconds`, window, text));
  }
  if (policies?.length === 0) errors.push(required(`${path}.policies`, "must specify at least one Policy"));
  for (const [i, { value, periodSeconds }] of (policies ?? []).entries()) {
    if (value <= 0) errors.push(invalidValue(`${path}.policies[${i}].value`, value, "must be greater than zero"));
    if (periodSeconds <= 0 || periodSeconds > 1800) {
      const text = periodSeconds <= 0 ? "must be greater than zero" : "must be less than or equal to 1800";
      errors.push(invalidValue(`${path}.policies[${i}].periodSeconds`, periodSeconds, text));
    }
  }
  return errors;
}

export function disruptionBudgetErrors(next: DisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = next.spec;
  const both = minAvailable !== undefined && maxUnavailable !== undefined;
  return [
    ...(both ? [invalidValue("spec", next.spec, "minAvailable and maxUnavailable cannot be both set")] : []),
    ...(minAvailable === undefined ? [] : intOrPercentErrors(minAvailable, "spec.minAvailable")),
    ...(maxUnavailable === undefined ? [] : intOrPercentErrors(maxUnavailable, "spec.maxUnavailable")),
    ...(selector === undefined ? [] : selectorErrors(selector, "spec.selector")),
  ];
}

function notNegative(path: string, value: number): FieldError[] {
  return value < 0 ? [invalidValue(path, value, "must be greater than or equal to 0")] : [];
}

function isZero(value: number | string): boolean {
  return value === 0 || value === "0%";
}
