import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultQueries, fillQuery, type MetricLanguage } from "../../../../automation/guard/judge/queries.ts";

const languages: readonly MetricLanguage[] = ["datadog", "prometheus", "cloudwatch"];
const subject = { clusterName: "prod-eu-1", tags: {} };
const refusal = expect.objectContaining({ code: "invalid-config" });

describe("names in queries", () => {
  test("every default query names the cluster, and the service where there is one", () => {
    for (const language of languages)
      for (const [name, template] of Object.entries(defaultQueries[language])) {
        const query = fillQuery(template, language, subject);
        expect(query, `${language} ${name}`).toContain("prod-eu-1");
        expect(query).not.toContain("{tags}");
        expect(fillQuery(template, language, { ...subject, service: "reviews" })).toContain("reviews");
      }
  });

  test("the requirement's own example", () => {
    expect(fillQuery("avg:custom.metric{cluster:{cluster_name}}", "datadog", subject)).toBe(
      "avg:custom.metric{cluster:prod-eu-1}",
    );
  });

  test("a cluster's Datadog tags select it", () => {
    expect(
      fillQuery("sum:a{{tags}}", "datadog", {
        ...subject,
        tags: { env: "prod", kube_cluster_name: "eu" },
        service: "x",
      }),
    ).toBe("sum:a{env:prod,kube_cluster_name:eu,destination_service_name:x}");
  });

  test("a query about a service needs a place for it, and one for a service alone is not asked for the whole", () => {
    expect(fillQuery('sum(up{cluster="{cluster_name}"})', "prometheus", { ...subject, service: "x" })).toBeUndefined();
    expect(fillQuery('sum(up{service="{service}"})', "prometheus", subject)).toBeUndefined();
    expect(fillQuery('sum(up{service="{service}"})', "prometheus", { ...subject, service: "x" })).toBe(
      'sum(up{service="x"})',
    );
  });

  test("escapes as the place wants it", () => {
    const odd = { clusterName: `a"b\\c'd.e`, tags: {} };
    expect(fillQuery('up{cluster="{cluster_name}"}', "prometheus", odd)).toBe(`up{cluster="a\\"b\\\\c'd.e"}`);
    expect(fillQuery('up{cluster=~"{cluster_name}"}', "prometheus", { clusterName: "a.b", tags: {} })).toBe(
      'up{cluster=~"a\\\\.b"}',
    );
    expect(fillQuery("SELECT SUM(x) FROM y WHERE ClusterName = '{cluster_name}'", "cloudwatch", odd)).toBe(
      `SELECT SUM(x) FROM y WHERE ClusterName = 'a"b\\c''d.e'`,
    );
  });

  test.each([
    ["datadog", "avg:x{cluster:{cluster_name}}", "a,env:prod"],
    ["datadog", "avg:x{cluster:{cluster_name}}", "a} + avg:y{*"],
    ["prometheus", "up * {cluster_name}", 'a"} or up{b="'],
    ["prometheus", "up{a=`{cluster_name}`}", "a`} or up{b=`"],
    ["prometheus", 'up{a="{cluster_name}"}', "a\nb"],
    ["cloudwatch", "SELECT SUM(x) FROM {cluster_name}", "a WHERE 1"],
  ] as const)("refuses a name that would change the query: %s %s", (language, template, clusterName) => {
    expect(() => fillQuery(template, language, { clusterName, tags: {} })).toThrow(refusal);
  });

  test("no name leaves its quotes in PromQL", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 40 }), (clusterName) => {
        let query: string | undefined;
        try {
          query = fillQuery('up{cluster="{cluster_name}",end="x"}', "prometheus", { clusterName, tags: {} });
        } catch (error) {
          expect(error).toEqual(refusal);
          return;
        }
        const string = /^up\{cluster=("(?:[^"\\\n]|\\.)*"),end="x"\}$/.exec(query ?? "")?.[1];
        expect(JSON.parse(string ?? "0")).toBe(clusterName);
      }),
    );
  });
});
