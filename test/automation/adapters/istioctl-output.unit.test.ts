import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Printed,
  readAnalysis,
  readAnalyzers,
  readClientVersion,
  readPrecheck,
  readProxyStatus,
  readVersions,
  splitDocuments,
  withoutLog,
} from "../../../automation/adapters/istioctl-output.ts";

/** What the real istioctl printed in istioctl.e2e.test.ts and istiod.e2e.test.ts, which keep these files. */
function recorded(name: string): Printed {
  return JSON.parse(readFileSync(new URL(`../../fixtures/istioctl/${name}.json`, import.meta.url), "utf8"));
}

const printed = (stdout: string, more: Partial<Printed> = {}): Printed => ({ stdout, stderr: "", code: 0, ...more });
const log =
  '2026-12-01T02:51:12.550946Z\terror\twatch error in cluster guard: failed to list *v1.Pod: pods is forbidden: "x"\n';
const harmless = "2026-12-01T02:51:12.550946Z\twarn\tsomething [that] is {no result}\n";

describe("what istioctl prints", () => {
  it("analyze: messages, though the exit status is 0", () => {
    const found = readAnalysis(recorded("analyze-faults"));
    expect(found).toHaveProperty("value");
    const messages = "value" in found ? found.value : [];
    expect(messages.map(({ code, level, origin }) => `${code} ${level} ${origin}`)).toEqual(
      expect.arrayContaining([
        "IST0101 Error VirtualService shop/cart",
        "IST0101 Error Gateway shop/front",
        "IST0123 Warning Namespace shop",
      ]),
    );
  });

  it("analyze: log lines are left out, but not those that say that something could not be read", () => {
    const json = '[{"code":"IST0101","level":"Error","message":"m"}]';
    expect(readAnalysis(printed(`${harmless}${json}\n`))).toEqual({
      value: [{ code: "IST0101", level: "Error", origin: "", message: "m" }],
    });
    expect(readAnalysis(printed(`${log}${json}\n`))).toEqual({ why: expect.stringContaining("not complete") });
    expect(readAnalysis(printed("[]\n"))).toEqual({ value: [] });
    expect(readAnalysis(printed(""))).toEqual({ why: expect.stringContaining("no list of messages") });
    expect(readAnalysis(printed('[{"code":"IST1","level":"Fatal","message":""}]'))).toHaveProperty("why");
    expect(readAnalysis(recorded("analyze-refused"))).toEqual({ why: expect.stringContaining("forbidden") });
  });

  it("analyze: what is said of the cluster a second time, as a remote one, is left out", () => {
    const message = { code: "IST0123", level: "Warning", origin: "Namespace shop", message: "m" };
    const json = JSON.stringify([
      { ...message, cluster: "default" },
      { ...message, cluster: "guard" },
    ]);
    expect(readAnalysis(printed(json), "guard")).toEqual({ value: [message] });
    expect(readAnalysis(printed(JSON.stringify([message])), "guard")).toEqual({ value: [message] });
  });

  it("precheck: that guard may not install Istio itself is no finding", () => {
    const json = JSON.stringify([
      { code: "IST0141", level: "Error", origin: "Cluster", message: "Missing required permission to create resource" },
      { code: "IST0142", level: "Error", origin: "Cluster", message: "too old" },
    ]);
    expect(readPrecheck(printed(json, { code: 1 }))).toMatchObject({ value: [{ code: "IST0142" }] });
  });

  it("lists its analyzers", () => {
    const text = "* annotations.K8sAnalyzer:\n    Checks\n* schema.ValidationAnalyzer.Gateway:\n    Runs\n";
    expect(readAnalyzers(printed(text))).toEqual({
      value: ["annotations.K8sAnalyzer", "schema.ValidationAnalyzer.Gateway"],
    });
    expect(readAnalyzers(printed(""))).toHaveProperty("why");
  });

  it("precheck: nothing is well only with exit status 0; with 1 there are messages, or it failed", () => {
    expect(readPrecheck(recorded("precheck-clean"))).toEqual({ value: [] });
    expect(readPrecheck(recorded("precheck-warning"))).toMatchObject({
      value: [{ code: "IST0156" }, { code: "IST0172", level: "Warning" }],
    });
    expect(readPrecheck(printed("", { code: 1, stderr: "Error: no route\n" }))).toEqual({
      why: "exit status 1: Error: no route",
    });
    expect(readPrecheck(printed("", { code: -1 }))).toHaveProperty("why");
    expect(readPrecheck(printed(log))).toHaveProperty("why");
  });

  it("version: what it leaves out is unknown, but for a mesh that is not there", () => {
    const none = recorded("version-none");
    expect(readVersions(none)).toEqual({ value: { client: "1.31.0", controlPlanes: [], proxies: [] } });
    expect(readClientVersion(none)).toEqual({ value: "1.31.0" });
    expect(readVersions({ ...none, stderr: "" })).toHaveProperty("why");
    expect(readVersions({ ...none, stderr: "Istio is not present in the cluster: pods is forbidden\n" })).toEqual({
      why: expect.stringContaining("forbidden"),
    });
  });

  it("version: control planes and proxies, whose names have mixed case", () => {
    // As the types of Istio's package version write it.
    const build = { version: "1.31.1", revision: "0", golang_version: "go1.26", status: "Clean", tag: "1.31.1" };
    const whole = {
      clientVersion: build,
      meshVersion: [{ Component: "pilot", Revision: "default", Info: { ...build, version: "1.30.5" } }],
      dataPlaneVersion: [{ ID: "cart-1.shop", IstioVersion: "1.30.5", Type: "sidecar" }],
    };
    expect(readVersions(printed(JSON.stringify(whole)))).toEqual({
      value: {
        client: "1.31.1",
        controlPlanes: [{ revision: "default", version: "1.30.5" }],
        proxies: [{ id: "cart-1.shop", version: "1.30.5" }],
      },
    });
    const { dataPlaneVersion: _, ...without } = whole;
    expect(readVersions(printed(JSON.stringify(without)))).toEqual({ why: expect.stringContaining("proxies") });
    // One istiod of two answered.
    const stderr = ": 1 error occurred: error port-forwarding into istio-system.istiod-2\n";
    expect(readVersions(printed(JSON.stringify(whole), { stderr }))).toHaveProperty("why");
  });

  it("proxy-status: as an istiod with one proxy gives it", () => {
    expect(readProxyStatus(recorded("proxy-status"))).toEqual({
      value: [{ id: "cart-1.shop", version: "1.31.0", controlPlane: "1.31.0", state: "synced" }],
    });
  });

  it("proxy-status: a document per istiod, and the worst of a proxy's configurations", () => {
    const proxy = (id: string, version: string, ...statuses: readonly (string | undefined)[]) => ({
      "@type": "type.googleapis.com/envoy.service.status.v3.ClientConfig",
      node: { id, metadata: { ISTIO_VERSION: version } },
      genericXdsConfigs: statuses.map((configStatus) => ({ typeUrl: "t", ...(configStatus && { configStatus }) })),
    });
    const plane = (version: string, ...resources: readonly unknown[]) =>
      JSON.stringify(
        {
          resources,
          controlPlane: { identifier: JSON.stringify({ Component: "istiod", ID: "x", Info: { version } }) },
        },
        null,
        4,
      );
    const text = `${plane("1.31.1", proxy("a.shop", "1.31.1", "SYNCED", "NOT_SENT"), proxy("b.shop", "1.30.5", "SYNCED", "STALE"))}\n${plane("1.30.5", proxy("c.shop", "1.30.5", "SYNCED", undefined), proxy("d.shop", "1.30.5"), proxy("e.shop", "1.30.5", "ERROR"))}\n`;
    expect(readProxyStatus(printed(`${harmless}${text}`))).toEqual({
      value: [
        { id: "a.shop", version: "1.31.1", controlPlane: "1.31.1", state: "synced" },
        { id: "b.shop", version: "1.30.5", controlPlane: "1.31.1", state: "stale" },
        { id: "c.shop", version: "1.30.5", controlPlane: "1.30.5", state: "unknown" },
        { id: "d.shop", version: "1.30.5", controlPlane: "1.30.5", state: "unknown" },
        { id: "e.shop", version: "1.30.5", controlPlane: "1.30.5", state: "stale" },
      ],
    });
    expect(readProxyStatus(printed(plane("1.31.1")))).toEqual({ value: [] });
    expect(readProxyStatus(recorded("proxy-status-none"))).toEqual({
      why: 'exit status 1: Error: no running Istio pods in "istio-system"',
    });
    for (const bad of ["", "{", '{"resources":[]}', `${text}{"resources"`])
      expect(readProxyStatus(printed(bad)), bad).toHaveProperty("why");
  });

  it("splits any documents that follow each other, whatever their texts hold", () => {
    fc.assert(
      fc.property(fc.array(fc.object()), fc.constantFrom("", "\n", "  \r\n"), (documents, between) => {
        const texts = documents.map((one) => JSON.stringify(one, null, 2));
        expect(splitDocuments(texts.join(between))).toEqual(texts);
      }),
    );
  });

  it("keeps what is no log", () => {
    const { json, logs } = withoutLog(`${log}{\n${harmless}}\n`);
    expect([json, logs.length]).toEqual(["{\n}", 2]);
  });
});
