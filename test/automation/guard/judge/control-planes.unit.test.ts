import { describe, expect, test } from "vitest";
import { takeBaseline } from "../../../../automation/guard/judge/baseline.ts";
import { gateA } from "../../../../automation/guard/judge/gates.ts";
import { observe } from "../../../../automation/guard/judge/observe.ts";
import { defaultQueries, fillQuery, type MetricLanguage } from "../../../../automation/guard/judge/queries.ts";
import { signalsOf } from "../../../../automation/guard/judge/signals.ts";
import { guardConfig } from "../../../../automation/guard/settings.ts";
import type { MetricSource } from "../../../../automation/ports/metric-source.ts";
import { gateInput } from "./judged.ts";

// A cluster with two control planes: each is asked for alone.

const now = Date.UTC(2026, 10, 24, 9);
const minute = 60_000;
const [old, next] = ["istiod-1-30-5", "istiod-1-31-1"] as const;
const cluster = { clusterName: "prod-eu-1", tags: {} };
const { validation } = guardConfig.parse({});
const controlPlane = ["istiod_cpu", "istiod_memory", "xds_rejects", "push_errors", "convergence_p99"] as const;

/** What each of them says a minute, by a part of a query. */
type Values = (istiod: string, query: string) => number | undefined;

function sourceOf(values: Values): MetricSource & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  return {
    asked,
    description: "fake metrics",
    names: async () => undefined,
    async query({ query, fromMs, toMs }) {
      asked.push(query);
      const istiod = [old, next].find((name) => query.includes(name)) ?? "both";
      const value = values(istiod, query);
      return value === undefined
        ? []
        : Array.from({ length: (toMs - fromMs) / minute }, (_, index) => value + (index % 2) / 1e6);
    },
  };
}

async function soaked(
  values: Values,
  more: Readonly<Record<string, unknown>> = {},
  language: MetricLanguage = "prometheus",
) {
  const { metrics } = guardConfig.parse({
    metrics: { source: language, prometheus: { url: "http://127.0.0.1:1" }, ...more },
  });
  const source = sourceOf(values);
  const signals = signalsOf(metrics).filter(({ gate }) => gate === "a");
  const request = { source, language, signals };
  const baseline = await takeBaseline(
    { ...request, cluster: "prod-eu-1", services: [], subject: { ...cluster, istiod: old } },
    now,
  );
  const subject = { ...cluster, istiod: next };
  const observed = await observe({ ...request, subject, baseline, soakStartedAt: now, peers: [] }, now + 60 * minute);
  const verdict = gateA({ ...gateInput(), ...observed, signals, warmUpMs: validation.warm_up_minutes * minute });
  return { source, observed, verdict, of: (name: string) => verdict.signals.find((one) => one.name === name) };
}

const quiet: Values = (_, query) => (query.includes("rejects") || query.includes("errors") ? 0 : 0.4);

describe("queries of one control plane", () => {
  test("Prometheus selects its pods and no others, Datadog its Deployment, CloudWatch its pods where it has their name", () => {
    const filled = (language: MetricLanguage, name: (typeof controlPlane)[number], istiod?: string) =>
      fillQuery(defaultQueries[language][name] ?? "", language, {
        ...cluster,
        ...(istiod === undefined ? {} : { istiod }),
      });
    const pods = /pod=~"([^"]+)"/.exec(filled("prometheus", "istiod_cpu", "istiod-1-31") ?? "")?.[1] ?? "";
    const one = new RegExp(`^(?:${pods})$`);
    const names = ["istiod-1-31-7d9f8b6c5-x2x4z", "istiod-1-31-1-7d9f8b6c5-x2x4z", "istiod-7d9f8b6c5-x2x4z"];
    expect(names.filter((name) => one.test(name))).toEqual(names.slice(0, 1));
    for (const name of controlPlane) {
      const query = filled("prometheus", name, next) ?? "";
      expect(query.match(/cluster="prod-eu-1"/g)).toHaveLength(query.split(next).length - 1);
      const tagged = filled("datadog", name, next) ?? "";
      expect(tagged.match(/cluster_name:prod-eu-1/g)).toHaveLength(tagged.split(`kube_deployment:${next}`).length - 1);
      for (const language of ["prometheus", "datadog"] as const)
        expect(filled(language, name)).not.toMatch(/istiod|kube_deployment/);
    }
    expect(filled("cloudwatch", "istiod_cpu", next)).toContain("PodName = 'istiod-1-31-1'");
    expect(filled("cloudwatch", "istiod_cpu")).toContain("PodName = 'istiod'");
  });
});

describe("a soak beside the old control plane", () => {
  test("the new one is held against the old one's baseline, and nothing is asked of both together", async () => {
    const { source, observed, verdict } = await soaked(quiet);
    expect(observed.baseline.istiod).toBe(old);
    for (const query of source.asked) expect(query).toMatch(/istiod-1-3[01]-/);
    expect(verdict.kind, JSON.stringify(verdict.signals)).toBe("passed");
  });

  test("what the new one rejects decides, though both together would be within their limits", async () => {
    const errors: Values = (istiod, query) =>
      query.includes("internal_errors") ? (istiod === next ? 0.05 : 0) : quiet(istiod, query);
    expect((await soaked(errors)).of("push_errors")).toMatchObject({ kind: "failed" });
    const rejects: Values = (istiod, query) =>
      query.includes("rejects") ? (istiod === next ? 1 : 0) : quiet(istiod, query);
    expect((await soaked(rejects)).verdict.kind).toBe("failed");
  });

  test("the old one fails it by its own limits, and by nothing that it does not say", async () => {
    const rejects: Values = (istiod, query) =>
      query.includes("rejects") ? (istiod === old ? 1 : 0) : quiet(istiod, query);
    const worse = await soaked(rejects);
    expect(worse.of("xds_rejects")).toMatchObject({ kind: "passed" });
    expect(worse.of(`xds_rejects of ${old}`)).toMatchObject({ kind: "failed" });
    expect(worse.verdict.kind).toBe("failed");
    // Idle, it pushes nothing to anybody.
    const { verdict, of } = await soaked((istiod, query) =>
      istiod === old && query.includes("internal_errors") ? undefined : quiet(istiod, query),
    );
    expect(of(`push_errors of ${old}`)).toMatchObject({ kind: "observed" });
    expect(verdict.kind, JSON.stringify(verdict.signals)).toBe("passed");
  });

  test("a query that cannot tell them apart is not asked: undecided, with what to write", async () => {
    const own = { prometheus: { url: "http://127.0.0.1:1", queries: { xds_rejects: "sum(rejects{{tags}})" } } };
    const { source, of, verdict } = await soaked(quiet, own);
    expect(of("xds_rejects")).toMatchObject({
      kind: "undecided",
      why: expect.stringMatching(/no place for one control plane of several: \{control_plane\} or \{istiod\}/),
    });
    expect(verdict.kind).toBe("undecided");
    expect(source.asked.filter((query) => query.includes("sum(rejects"))).toEqual([]);
    const placed = {
      prometheus: { url: "http://127.0.0.1:1", queries: { xds_rejects: 'sum(rejects{{tags},pod=~"{istiod}-.*"})' } },
    };
    expect((await soaked(quiet, placed)).of("xds_rejects")).toMatchObject({ kind: "passed" });
    const cloudwatch = await soaked(quiet, {}, "cloudwatch");
    expect(cloudwatch.of("xds_rejects")).toMatchObject({ kind: "undecided" });
    expect(cloudwatch.of("istiod_cpu")).toMatchObject({ kind: "passed" });
  });
});
