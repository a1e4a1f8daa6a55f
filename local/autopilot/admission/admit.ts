import type { FieldError } from "../kubernetes-error.ts";
import { forbidden, invalid } from "../kubernetes-error.ts";
import type { Kind } from "../objects/kinds.ts";
import {
  AUTOSCALER,
  CONFIG_MAP,
  DEPLOYMENT,
  DISRUPTION_BUDGET,
  POD,
  REPLICA_SET,
  SECRET,
  SERVICE,
} from "../objects/kinds.ts";
import type { ApiObject } from "../objects/metadata.ts";
import { adjustResources } from "./autopilot-resources.ts";
import { labelErrors, nameErrors } from "./name-rules.ts";
import {
  autoscalerErrors,
  configMapErrors,
  deploymentErrors,
  disruptionBudgetErrors,
  podErrors,
  replicaSetErrors,
  secretErrors,
  serviceErrors,
} from "./rules.ts";

/** How one kind is admitted: validated, then changed by Autopilot. Pairs a kind with rules of its own type. */
interface Admission<T extends ApiObject> {
  readonly kind: Kind<T>;
  errors(next: T, previous: T | undefined): readonly FieldError[];
  mutate?(next: T): T;
}

const ADMISSIONS = new Map<Kind, Admission<ApiObject>>();

function register<T extends ApiObject>(admission: Admission<T>): void {
  // Looked up by the kind that the object was decoded with, so the object has the type that the rules take.
  ADMISSIONS.set(admission.kind, admission as unknown as Admission<ApiObject>);
}

register({
  kind: DEPLOYMENT,
  errors: deploymentErrors,
  mutate: (next) => {
    const { spec, annotations } = adjustResources(
      next.spec.template.spec,
      next.metadata.name,
      next.metadata.annotations,
    );
    return {
      ...next,
      metadata: { ...next.metadata, annotations },
      spec: { ...next.spec, template: { ...next.spec.template, spec } },
    };
  },
});
register({ kind: REPLICA_SET, errors: replicaSetErrors });
register({
  kind: POD,
  errors: podErrors,
  mutate: (next) => {
    const { spec, annotations } = adjustResources(next.spec, next.metadata.name, next.metadata.annotations);
    return { ...next, metadata: { ...next.metadata, annotations }, spec };
  },
});
register({ kind: SERVICE, errors: serviceErrors });
register({ kind: CONFIG_MAP, errors: configMapErrors });
register({ kind: SECRET, errors: secretErrors });
register({ kind: AUTOSCALER, errors: autoscalerErrors });
register({ kind: DISRUPTION_BUDGET, errors: disruptionBudgetErrors });

/** The object as it is stored. Errors: KubernetesError Invalid with all fields at once, Forbidden from Autopilot's admission. */
export function admit<T extends ApiObject>(kind: Kind<T>, next: T, previous: T | undefined): T {
  // Found by kind: see register.
  const admission = ADMISSIONS.get(kind) as Admission<T> | undefined;
  const mutated = admission?.mutate?.(next) ?? next;
  const errors = [
    ...nameErrors(kind, next.metadata.name),
    ...labelErrors(next.metadata.labels, "metadata.labels"),
    ...(admission?.errors(mutated, previous) ?? []),
  ];
  if (errors.length > 0) {
    throw invalid(kind, next.metadata.name, errors);
  }
  return mutated;
}

/** Pods of a missing service account are refused at creation. `exists` answers for the pod's namespace. */
export function requireServiceAccount(
  pod: { readonly name: string; readonly namespace: string; readonly serviceAccountName: string },
  exists: boolean,
): void {
  if (!exists) {
    const account = pod.serviceAccountName;
    throw forbidden(
      POD,
      pod.name,
      `error looking up service account ${pod.namespace}/${account}: serviceaccount "${account}" not found`,
    );
  }
}
