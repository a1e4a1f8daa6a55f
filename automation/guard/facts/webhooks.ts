/** Istio's webhooks, who answers them, and the objects that its base chart owns. Pure. */
import { z } from "zod";
import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Evidence } from "../rules/evidence.ts";
import { list, metadata, read } from "./objects.ts";

const configuration = z.object({
  metadata,
  webhooks: list(
    z.object({
      clientConfig: z.object({
        caBundle: z.string().nullish(),
        service: z.object({ name: z.string(), namespace: z.string() }).nullish(),
      }),
      rules: list(z.object({ apiGroups: list(z.string()), resources: list(z.string()) })),
    }),
  ),
});

const slice = z.object({
  metadata,
  endpoints: list(z.object({ conditions: z.object({ ready: z.boolean().nullish() }).nullish() })),
});

const named = z.object({ metadata });

const isIstios = (name: string, services: readonly string[]): boolean =>
  /^istio/.test(name) || services.some((service) => /^istiod(?:-|$)/.test(service));

export interface WebhookObjects {
  readonly validating: readonly KubernetesObject[];
  readonly mutating: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  readonly endpointSlices: readonly KubernetesObject[];
}

/** Those of Istio: one entry per configuration and service. Errors: Unreadable. */
export function webhookSection(objects: WebhookObjects): NonNullable<Evidence["webhooks"]> {
  const services = new Set(read(named, objects.services).map(({ metadata: meta }) => `${meta.namespace}/${meta.name}`));
  const slices = read(slice, objects.endpointSlices);
  const readyOf = (namespace: string, name: string): number =>
    slices
      .filter(
        ({ metadata: meta }) => meta.namespace === namespace && meta.labels["kubernetes.io/service-name"] === name,
      )
      .flatMap(({ endpoints }) => endpoints)
      // Kubernetes: not said is ready.
      .filter(({ conditions }) => conditions?.ready !== false).length;
  return (["validating", "mutating"] as const).flatMap((kind) =>
    read(configuration, objects[kind]).flatMap(({ metadata: { name }, webhooks }) => {
      const targets = new Map(
        webhooks.flatMap(({ clientConfig: { service } }) =>
          service === null || service === undefined ? [] : [[`${service.namespace}/${service.name}`, service]],
        ),
      );
      if (
        !isIstios(
          name,
          [...targets.values()].map((service) => service.name),
        )
      )
        return [];
      return [...targets].map(([key, service]) => ({
        name,
        kind,
        service: service.name,
        serviceExists: services.has(key),
        readyEndpoints: readyOf(service.namespace, service.name),
        caBundle: webhooks.every(
          ({ clientConfig }) =>
            `${clientConfig.service?.namespace}/${clientConfig.service?.name}` !== key ||
            (clientConfig.caBundle ?? "") !== "",
        ),
      }));
    }),
  );
}

/** Mutating webhooks on pods that are not Istio's, by name. Errors: Unreadable. */
export function podWebhooks(mutating: readonly KubernetesObject[]): readonly string[] {
  return read(configuration, mutating)
    .filter(
      ({ metadata: { name }, webhooks }) =>
        !isIstios(
          name,
          webhooks.map(({ clientConfig }) => clientConfig.service?.name ?? ""),
        ) &&
        webhooks.some(({ rules }) =>
          rules.some(({ resources }) => resources.some((one) => one === "pods" || one === "*" || one === "*/*")),
        ),
    )
    .map(({ metadata: { name } }) => name);
}

/** Revision that the default validator names; empty: there is no default validator. Errors: Unreadable. */
export function defaultRevision(validating: readonly KubernetesObject[]): string {
  const found = read(named, validating).find(({ metadata: { name } }) => name === "istiod-default-validator");
  return found === undefined ? "" : (found.metadata.labels["istio.io/rev"] ?? "default");
}

/** CRDs of Istio, with the Helm release that owns each. Errors: Unreadable. */
export function istioCrdsOf(crds: readonly KubernetesObject[]): NonNullable<Evidence["base"]>["crds"] {
  return read(named, crds)
    .filter(({ metadata: { name } }) => name.endsWith(".istio.io"))
    .map(({ metadata: { name, annotations } }) => ({
      name,
      release: annotations["meta.helm.sh/release-name"] ?? "",
      keep: annotations["helm.sh/resource-policy"] === "keep",
    }));
}

/** Helm release that owns a service account; empty: none, or there is no such account. Errors: Unreadable. */
export function accountRelease(accounts: readonly KubernetesObject[], namespace: string, name: string): string {
  const found = read(named, accounts).find(({ metadata: meta }) => meta.namespace === namespace && meta.name === name);
  return found?.metadata.annotations["meta.helm.sh/release-name"] ?? "";
}
