import { expect } from "vitest";
import type { DeclaredGraph } from "./declared-graph.ts";

/** Longest physical name per type; others are RFC 1035 labels of 63. */
const limits: Readonly<Record<string, number>> = {
  "gcp:serviceaccount/account:Account": 30,
  "gcp:container/cluster:Cluster": 40,
  "gcp:cloudrunv2/service:Service": 49,
};

/** What holds for every component: parents, logical names, physical names, registered outputs. */
export function expectWellFormed(graph: DeclaredGraph, root: string): void {
  for (const resource of graph.resources) {
    if (resource.name === root) continue;
    expect(resource.parent, `${resource.name} has a parent`).toBeDefined();
    expect(
      resource.name.startsWith(`${resource.parent ?? ""}-`),
      `${resource.name} starts with its parent's name`,
    ).toBe(true);
    const physical = resource.inputs["accountId"] ?? resource.inputs["name"];
    // Cloud Monitoring gives its resources their names itself.
    if (resource.type.startsWith("gcp:") && !resource.type.startsWith("gcp:monitoring/") && physical !== undefined) {
      const limit = limits[resource.type] ?? 63;
      expect(physical, resource.name).toMatch(/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/);
      expect(String(physical).length, `${resource.name}: ${String(physical)}`).toBeLessThanOrEqual(limit);
    }
  }
  expect(new Set(graph.resources.map((resource) => `${resource.type} ${resource.name}`)).size).toBe(
    graph.resources.length,
  );
  expect(graph.publicProperties.size).toBeGreaterThan(0);
  for (const [name, properties] of graph.publicProperties) {
    expect(graph.registeredOutputs.get(name), `${name} registers its public outputs`).toEqual(properties);
  }
}

/** The value at a path like spec.template.spec.containers.0.image. */
export function at(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((current, key) => {
    if (typeof current !== "object" || current === null) return undefined;
    return (current as Record<string, unknown>)[key];
  }, value);
}

/** The value of an Output, for assertions that are awaited. */
export function settle<T>(output: { apply(callback: (value: T) => void): unknown }): Promise<T> {
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}
