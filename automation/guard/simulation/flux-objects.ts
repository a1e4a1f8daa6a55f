/** Types, conditions and small readings of Flux's objects in the simulated cluster. Pure. */

import type { KubernetesObject } from "../../ports/kubernetes-api.ts";
import type { Component } from "../rules/evidence.ts";
import { at, type Fields, isFields, listAt, numberAt, textAt } from "./dig.ts";

export const gitRepositoryType = { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "GitRepository" } as const;
export const helmRepositoryType = { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "HelmRepository" } as const;
export const ociRepositoryType = { apiVersion: "source.toolkit.fluxcd.io/v1", kind: "OCIRepository" } as const;
export const kustomizationType = { apiVersion: "kustomize.toolkit.fluxcd.io/v1", kind: "Kustomization" } as const;
export const helmReleaseType = { apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease" } as const;

export const fluxTypes = [
  gitRepositoryType,
  helmRepositoryType,
  ociRepositoryType,
  kustomizationType,
  helmReleaseType,
] as const;

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

export const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

export const generationOf = (object: KubernetesObject): number => numberAt(object, "metadata", "generation") ?? 0;

/** The object's conditions with these set; others stay, those of `gone` leave. */
export function conditions(
  object: KubernetesObject,
  now: number,
  set: readonly Condition[],
  gone: readonly string[] = [],
): readonly unknown[] {
  const before = listAt(object, "status", "conditions").filter(isFields);
  const names = new Set([...set.map(({ type }) => type), ...gone]);
  const generation = generationOf(object);
  return [
    ...set.map((one) => {
      const known = before.find(({ type }) => type === one.type);
      const since = known?.["status"] === one.status ? known["lastTransitionTime"] : instant(now);
      return { lastTransitionTime: since, ...one, observedGeneration: generation };
    }),
    ...before.filter(({ type }) => typeof type === "string" && !names.has(type)),
  ];
}

/** Whether Flux lets others go on after it: Ready at its own generation. */
export function isReady(object: KubernetesObject | undefined): boolean {
  if (object === undefined) return false;
  const ready = listAt(object, "status", "conditions").find((one) => textAt(one, "type") === "Ready");
  return (
    textAt(ready, "status") === "True" && numberAt(object, "status", "observedGeneration") === generationOf(object)
  );
}

export const isSuspended = (object: KubernetesObject | undefined): boolean => at(object, "spec", "suspend") === true;

export interface Reference {
  readonly name: string;
  readonly namespace: string;
}

export function dependsOn(object: KubernetesObject): readonly Reference[] {
  const own = object.metadata.namespace ?? "";
  return listAt(object, "spec", "dependsOn").flatMap((one) => {
    const name = textAt(one, "name");
    return name === undefined ? [] : [{ name, namespace: textAt(one, "namespace") ?? own }];
  });
}

const components: Readonly<Record<string, Component>> = {
  base: "base",
  istiod: "istiod",
  cni: "cni",
  ztunnel: "ztunnel",
  gateway: "gateway",
};

/** What a chart of Istio installs; undefined for other charts. */
export const componentOfChart = (chart: string): Component | undefined => components[chart];

export function withStatus(object: KubernetesObject, change: Fields): Fields {
  const status = at(object, "status");
  return { ...(isFields(status) ? status : {}), ...change };
}
