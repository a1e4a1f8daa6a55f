/** Changes of a healthy situation, to make bad ones of it. */
import { first, type Whole } from "./healthy.ts";

export const kubernetes = (change: Partial<Whole["kubernetes"]>) => (all: Whole) => ({
  kubernetes: { ...all.kubernetes, ...change },
});
export const fleet = (change: Partial<Whole["fleet"]>) => (all: Whole) => ({
  fleet: { ...all.fleet, ...change },
});
export const gitlab = (change: Partial<Whole["gitlab"]>) => (all: Whole) => ({
  gitlab: { ...all.gitlab, ...change },
});
export const base = (change: Partial<Whole["base"]>) => (all: Whole) => ({
  base: { ...all.base, ...change },
});
export const workload = (change: Partial<Whole["workloads"][number]>) => (all: Whole) => ({
  workloads: first(all.workloads, change),
});
export const webhook = (change: Partial<Whole["webhooks"][number]>) => (all: Whole) => ({
  webhooks: first(all.webhooks, change),
});
export const flux = (change: Partial<Whole["flux"]["objects"][number]>) => (all: Whole) => ({
  flux: { ...all.flux, objects: first(all.flux.objects, change) },
});
export const drifted = (change: Partial<Whole["flux"]["versions"]>) => (all: Whole) => ({
  flux: { ...all.flux, versions: { ...all.flux.versions, ...change } },
});
export const message = (code: string, level: "Info" | "Warning" | "Error") => (all: Whole) => ({
  analysis: {
    ...all.analysis,
    messages: [...all.analysis.messages, { code, level, origin: "VirtualService shop/cart" }],
  },
});
export const alert = (change: Partial<Whole["alerts"][number]>) => (all: Whole) => ({
  alerts: first(all.alerts, change),
});
export const metrics = (change: Partial<Whole["metricsBaseline"]>) => (all: Whole) => ({
  metricsBaseline: { ...all.metricsBaseline, ...change },
});
export const plane = (change: Partial<Whole["controlPlanes"][number]>) => (all: Whole) => ({
  controlPlanes: first(all.controlPlanes, change),
});
export const proxy = (change: Partial<Whole["proxies"][number]>) => (all: Whole) => ({
  proxies: first(all.proxies, change),
});
export const labelled = (injection: "enabled" | "unset", revision: string) => (all: Whole) => ({
  injection: { ...all.injection, namespaces: [...all.injection.namespaces, { name: "pay", injection, revision }] },
});
