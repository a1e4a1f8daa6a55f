/** A tag of a revision: a webhook of its own, so that it moves without any release of Helm. */
import type { MutatingWebhookConfigurationArgs } from "@pulumi/kubernetes/admissionregistration/v1/mutatingWebhookConfiguration.js";

interface Expression {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: string[];
}

const is = (key: string, ...values: string[]): Expression => ({ key, operator: "In", values });
const isNot = (key: string, ...values: string[]): Expression => ({ key, operator: "NotIn", values });
const absent = (key: string): Expression => ({ key, operator: "DoesNotExist" });

const revision = "istio.io/rev";
const injection = "istio-injection";
const inject = "sidecar.istio.io/inject";

interface Case {
  readonly prefix: string;
  readonly namespace: Expression[];
  readonly pod: Expression[];
}

/** Which pods a tag injects: of namespaces or with labels that name it; the tag `default` those that only say they want to be, too. */
function casesOf(tag: string): readonly Case[] {
  const named: readonly Case[] = [
    { prefix: "rev.namespace.", namespace: [is(revision, tag), absent(injection)], pod: [isNot(inject, "false")] },
    {
      prefix: "rev.object.",
      namespace: [absent(revision), absent(injection)],
      pod: [isNot(inject, "false"), is(revision, tag)],
    },
  ];
  if (tag !== "default") return named;
  return [
    ...named,
    { prefix: "namespace.", namespace: [is(injection, "enabled")], pod: [isNot(inject, "false")] },
    {
      prefix: "object.",
      namespace: [absent(injection), absent(revision)],
      pod: [is(inject, "true"), absent(revision)],
    },
  ];
}

/** istiod of the revision fills in its certificate by the label istio.io/rev; nobody else may write it. */
export const filledByIstiod = "webhooks[*].clientConfig.caBundle";

/** `service`: of the revision's istiod. */
export function revisionTag(
  tag: string,
  to: { readonly revision: string; readonly service: string; readonly namespace: string },
): MutatingWebhookConfigurationArgs {
  return {
    metadata: {
      // As the charts and `istioctl tag` name it, so that both find it.
      name: to.namespace === "istio-system" ? `istio-revision-tag-${tag}` : `istio-revision-tag-${tag}-${to.namespace}`,
      labels: { "istio.io/tag": tag, "istio.io/rev": to.revision, app: "sidecar-injector" },
    },
    webhooks: casesOf(tag).map(({ prefix, namespace, pod }) => ({
      name: `${prefix}sidecar-injector.istio.io`,
      clientConfig: { service: { name: to.service, namespace: to.namespace, path: "/inject", port: 443 } },
      sideEffects: "None",
      rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
      failurePolicy: "Fail",
      reinvocationPolicy: "Never",
      admissionReviewVersions: ["v1"],
      namespaceSelector: { matchExpressions: namespace },
      objectSelector: { matchExpressions: pod },
    })),
  };
}
