/** The bundle of a failure: what is in it, what never is, and its size. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type BundleInput, makeBundle } from "../../../../automation/guard/bundle/bundle.ts";
import type { Bundle } from "../../../../automation/guard/bundle/document.ts";
import { redactText, redactValue } from "../../../../automation/guard/bundle/redact.ts";
import { SimulatedCluster } from "../../../../automation/guard/simulation/cluster.ts";
import { event } from "../../../../automation/guard/simulation/shapes.ts";
import { Branch, istioFiles } from "../simulation/fleet-repository.ts";

const start = Date.parse("2026-11-30T10:00:00Z");
const now = start + 600_000;

/** Shapes of secrets; XYZ stands for the part that must never be seen. */
const key = "q7Zk2vXw9LmN4pRt8sYb";
const secrets: Readonly<Record<string, string>> = {
  bearer: `Authorization: Bearer ${key}`,
  basic: `authorization: Basic ${key}==`,
  json: `{"authorization":"Bearer ${key}"}`,
  plain: `request with Bearer ${key} failed`,
  jwt: `token is eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.${key}`,
  password: `password=${key}`,
  quoted: `"client_secret": "${key} and more ${key}"`,
  yaml: `apiKey: ${key}`,
  camel: `clientSecret: ${key}`,
  camelQuoted: `{"vaultToken":"${key}"}`,
  escaped: `msg="{\\"client_secret\\":\\"${key}\\"}"`,
  single: `token: '${key} ${key}'`,
  url: `GET https://robot:${key}@gitlab.example.com/api`,
  query: `GET /callback?code=1&access_token=${key}&state=2`,
  signed: `https://s3.amazonaws.com/x?X-Amz-Signature=${key}`,
  gitlab: `fatal: glpat-${key}`,
  slack: `xoxb-${key}`,
  hook: `https://hooks.slack.com/services/T0/B0/${key}`,
  eks: `k8s-aws-v1.${key}`,
  cookie: `Set-Cookie: session=${key}; Path=/`,
  pem: `-----BEGIN RSA PRIVATE KEY-----\n${key}\n-----END RSA PRIVATE KEY-----`,
  cutPem: `-----BEGIN PRIVATE KEY-----\n${key}`,
};

function given() {
  const branch = new Branch(istioFiles("prod-1", { version: "1.30.5" }));
  const cluster = new SimulatedCluster({ name: "prod-1", now: start, head: branch.head, path: "clusters/prod-1" });
  cluster.neverReady("Deployment", "shop", "cart");
  cluster.tick(now);
  const input: BundleInput = {
    kubernetes: cluster.api,
    cluster: "prod-1",
    reason: "p99 of shop/cart rose by 31 %",
    run: { plan: "abc", from: "1.30.5", to: "1.31.1" },
    failedWorkloads: ["Deployment shop/cart"],
    validation: { passed: false },
    series: [{ name: "p99", query: "q", from: start, stepMs: 60_000, values: [1, Number.NaN, 3] }],
    now,
  };
  return { cluster, input };
}

const bundleOf = async (input: BundleInput): Promise<Bundle> => JSON.parse(await makeBundle(input));

describe("a bundle", () => {
  test("holds events of istio-system and of the failed workload, logs, conditions, validation and series", async () => {
    const { cluster, input } = given();
    const [istiod] = cluster.workload("Deployment", "istio-system", "istiod").pods;
    const [cart] = cluster.workload("Deployment", "shop", "cart").pods;
    cluster.api.setLog({ namespace: "istio-system", name: istiod?.name ?? "", container: "discovery" }, "push error\n");
    cluster.api.setLog(
      { namespace: "shop", name: cart?.name ?? "", container: "istio-proxy" },
      "no healthy upstream\n",
    );
    const put = (kind: string, namespace: string, name: string, at: number) =>
      cluster.api.put(event({ kind, namespace, name }, "Warning", "BackOff", `of ${name}`, at), at);
    put("Pod", "istio-system", "istiod-1", now - 60_000);
    put("ReplicaSet", "shop", "cart-5d4", now - 30_000);
    put("Pod", "shop", "catalog-1", now - 30_000);
    put("Pod", "istio-system", "istiod-old", now - 7_200_000);
    const bundle = await bundleOf(input);
    expect(bundle.problems).toEqual([]);
    expect(bundle.events.map(({ subject }) => subject)).toEqual([
      "ReplicaSet shop/cart-5d4",
      "Pod istio-system/istiod-1",
      "Deployment shop/cart",
    ]);
    expect(bundle.logs.map(({ container, text }) => [container, text])).toEqual([
      ["discovery", "push error\n"],
      ["istio-proxy", "no healthy upstream\n"],
    ]);
    expect(bundle.conditions.map(({ subject }) => subject)).toContain("HelmRelease istio-system/istiod");
    expect(bundle).toMatchObject({ validation: { passed: false }, leftOut: [] });
    expect(bundle.series).toMatchObject([{ name: "p99", values: [1, null, 3] }]);
  });

  test("of a cluster that does not answer has what is known, and says the rest", async () => {
    const { cluster, input } = given();
    cluster.api.faults.unreachable = true;
    const bundle = await bundleOf(input);
    expect(bundle).toMatchObject({ reason: input.reason, events: [], logs: [] });
    expect(bundle.problems.join("\n")).toMatch(/pods: .* does not answer[\s\S]*events: /);
  });

  test("holds no secret, wherever it stands", async () => {
    const { cluster, input } = given();
    const all = Object.values(secrets).join("\n");
    const [istiod] = cluster.workload("Deployment", "istio-system", "istiod").pods;
    cluster.api.setLog({ namespace: "istio-system", name: istiod?.name ?? "", container: "discovery" }, all);
    cluster.api.put(event({ kind: "Pod", namespace: "istio-system", name: "x" }, "Warning", "Failed", all, now), now);
    const text = await makeBundle({
      ...input,
      reason: secrets["bearer"] ?? "",
      run: { headers: { Authorization: key }, env: [{ name: "GITLAB_TOKEN", value: key }], token: key },
      validation: { note: all, kind: "Secret", data: { password: key } },
      series: [{ name: "s", query: `sum:x{} api_key=${key}`, from: start, stepMs: 1, values: [] }],
    });
    expect(text).not.toContain(key);
    expect(text).toContain("[redacted]");
  });

  test("is never above its size, and says what it left out", async () => {
    const { cluster, input } = given();
    const [istiod] = cluster.workload("Deployment", "istio-system", "istiod").pods;
    cluster.api.setLog(
      { namespace: "istio-system", name: istiod?.name ?? "", container: "discovery" },
      "é line\n".repeat(20_000),
    );
    for (let index = 0; index < 500; index++)
      cluster.api.put(
        event({ kind: "Pod", namespace: "istio-system", name: `p-${index}` }, "Warning", "X", "y".repeat(200), now),
        now,
      );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1_000, max: 400_000 }), async (bytes) => {
        const text = await makeBundle({ ...input, limits: { bytes, logBytes: 100_000 } });
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytes);
        const bundle: Bundle = JSON.parse(text);
        expect(bundle.reason).toBe(input.reason);
        if (bytes < 100_000) expect(bundle.leftOut).toContain("older lines of logs");
      }),
      { numRuns: 30 },
    );
  });
});

describe("what is redacted", () => {
  test.each(Object.entries(secrets))("%s", (_, text) => {
    expect(redactText(text)).not.toContain(key);
    expect(redactText(`before ${text}\nafter`)).toContain("before ");
  });

  test("ordinary lines of istiod and Flux stay as they are", () => {
    const lines = [
      "2026-11-30T10:00:00.000000Z\tinfo\tads\tPush debounce stable[41] 1 for config ServiceEntry/shop/cart: 100.1ms",
      "Helm upgrade succeeded for release istio-system/istiod with chart istiod@1.31.1",
      "Readiness probe failed: HTTP probe failed with statuscode: 503",
      "main@sha1:00000000000000000000000000000000000000aa",
      "dependency 'istio-system/istio-base' is not ready",
      "https://gitlab.example.com/platform/fleet.git",
    ];
    for (const line of lines) expect(redactText(line)).toBe(line);
  });

  test("names of secrets stay, values go", () => {
    expect(
      redactValue({
        secretName: "db",
        tokenRef: "x",
        volumes: [{ secret: { secretName: "db" } }],
        password: "p",
        n: 3,
      }),
    ).toEqual({
      secretName: "db",
      tokenRef: "x",
      volumes: [{ secret: { secretName: "db" } }],
      password: "[redacted]",
      n: 3,
    });
  });

  test("twice is as once", () => {
    fc.assert(
      fc.property(fc.subarray(Object.values(secrets)), (lines) => {
        const once = redactText(lines.join("\n"));
        expect(redactText(once)).not.toContain(key);
      }),
    );
  });
});
