import { istioMesh } from "../../../automation/guard/meshes/istio.ts";
import { linkerdMesh } from "../../../automation/guard/meshes/linkerd.ts";
import type { KubernetesObject } from "../../../automation/ports/kubernetes-api.ts";
import { describeMesh, owner, type PodChange } from "./mesh.contract.ts";

interface Images {
  readonly plane: (tag: string) => KubernetesObject;
  readonly container: string;
  readonly image: string;
}

const digest = `@sha256:${"0".repeat(64)}`;

function objects({ plane, container, image }: Images) {
  return {
    controlPlane: plane,
    pod(name: string, tag: string, change: PodChange = {}): KubernetesObject {
      const proxy = { name: container, image: `${image}:${tag}${change.digest === true ? digest : ""}` };
      const app = { name, image: "registry.example.com/app:1.0.0" };
      const { labels, ownerReferences } = owner(name);
      return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
          name: `${name}-5d9c7f-x2v4q`,
          namespace: "shop",
          labels,
          ownerReferences,
          ...(change.deleted === true ? { deletionTimestamp: "2026-11-30T10:00:00Z" } : {}),
        },
        spec: change.native === true ? { containers: [app], initContainers: [proxy] } : { containers: [app, proxy] },
        status: { phase: change.phase ?? "Running" },
      };
    },
  };
}

function deployment(name: string, namespace: string, labels: Record<string, string>, container: string, image: string) {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: { template: { metadata: { labels }, spec: { containers: [{ name: container, image }] } } },
  };
}

const message = (code: string, level: string, origin: string) => ({
  code,
  level,
  origin,
  reference: "",
  message: "of it",
  documentationUrl: `https://istio.io/v1.31/docs/reference/config/analysis/${code.toLowerCase()}/`,
  cluster: "Kubernetes",
});
const warning = message("IST0103", "Warning", "Pod cart.shop");
const info = message("IST0118", "Info", "Service cart.shop");

describeMesh(istioMesh, {
  ladder: ["1.27.7", "1.28.6", "1.29.8", "1.30.5", "1.31.1"],
  kubernetes: "1.33",
  climb: { from: "1.26.8", to: "1.30.5", kubernetes: "1.29", eks: ["1.30", "1.31", "1.32"] },
  tooNew: { from: "1.22.8", to: "1.24.6", kubernetes: "1.33" },
  windows: [
    ["1.30.5", "1.32", "1.36"],
    ["1.29.8", "1.31", "1.35"],
    ["1.27.7", "1.29", "1.33"],
    ["1.23.6", "1.27", "1.30"],
  ],
  spellings: [
    ["1.31.1", "1.31.1"],
    ["1.31.1-distroless", "1.31.1"],
    ["1.31.0-rc.1", "1.31.0-rc.1"],
    ["v1.30.5-debug", "1.30.5"],
  ],
  notVersions: ["1.31", "latest", "", "1.x", ">=1.30.0", "edge-26.6.3"],
  unknownVersions: ["1.32.0", "1.21.0", "2.0.0"],
  patches: ["1.30.3", "1.30.5"],
  charts: ["base", "istiod", "cni", "ztunnel", "gateway"],
  readings: [
    { what: "clean: nothing on stdout", exitCode: 0, stdout: "", expected: [] },
    { what: "clean: an empty list", exitCode: 0, stdout: "[]\n", expected: [] },
    {
      what: "a warning ends with status 1",
      exitCode: 1,
      stdout: JSON.stringify([warning, info], undefined, "\t"),
      expected: ["warning IST0103 Pod cart.shop", "info IST0118 Service cart.shop"],
    },
    {
      what: "lines of a log before it",
      exitCode: 1,
      stdout: `2026-11-30T10:00:00Z\twarn\tkube\tslow [1] {x}\n${JSON.stringify([warning])}`,
      expected: ["warning IST0103 Pod cart.shop"],
    },
    {
      what: "only information",
      exitCode: 0,
      stdout: JSON.stringify([info]),
      expected: ["info IST0118 Service cart.shop"],
    },
    { what: "a failure that says nothing", exitCode: 1, stdout: "", expected: "unreadable" },
    { what: "another status", exitCode: 64, stdout: JSON.stringify([warning]), expected: "unreadable" },
    {
      what: "a level that does not exist",
      exitCode: 1,
      stdout: JSON.stringify([{ ...warning, level: "Fatal" }]),
      expected: "unreadable",
    },
  ],
  ...objects({
    plane: (tag) =>
      deployment("istiod", "istio-system", { app: "istiod" }, "discovery", `docker.io/istio/pilot:${tag}`),
    container: "istio-proxy",
    image: "registry.example.com:5000/istio/proxyv2",
  }),
});

const checks = (success: boolean, ...made: readonly { readonly result: string; readonly error?: string }[]) =>
  JSON.stringify(
    {
      success,
      categories: [
        {
          categoryName: "linkerd-identity",
          checks: made.map((one, index) => ({ description: `check${index + 1}`, ...one })),
        },
      ],
    },
    undefined,
    2,
  );
const failed = { result: "error", error: "it expired", hint: "https://linkerd.io/2/checks/#hint-anchor" };

describeMesh(linkerdMesh, {
  ladder: ["2024.8.2", "2024.11.8", "2025.4.4", "2025.10.7", "2026.6.3"],
  kubernetes: "1.31",
  climb: { from: "2024.11.8", to: "2026.6.3", kubernetes: "1.29", eks: ["1.30", "1.31"] },
  tooNew: { from: "2024.2.4", to: "2025.10.7", kubernetes: "1.33" },
  windows: [
    ["2026.6.3", "1.31", "1.35"],
    ["2025.10.7", "1.27", "1.35"],
    ["2.18.0", "1.27", "1.32"],
    ["2.16.4", "1.27", "1.29"],
  ],
  spellings: [
    ["edge-26.6.3", "2026.6.3"],
    ["2025.10.7", "2025.10.7"],
    ["stable-2.14.10", "2.14.10"],
    ["enterprise-2.19.6", "2.19.6"],
  ],
  notVersions: ["2.19", "latest", "", "edge-26.6", "preview-25.10.7", "1.31.1", "edge-26.13.1"],
  unknownVersions: ["2.21.0", "2.13.0", "2023.11.1"],
  patches: ["2025.10.7", "2025.12.1"],
  charts: ["linkerd-crds", "linkerd2-cni", "linkerd-control-plane"],
  readings: [
    { what: "all is well", exitCode: 0, stdout: checks(true, { result: "success" }), expected: [] },
    {
      what: "a warning is still a success",
      exitCode: 0,
      stdout: checks(true, { result: "success" }, { result: "warning", error: "in 40 days" }),
      expected: ["warning linkerd-identity check2"],
    },
    {
      what: "an error ends with status 1",
      exitCode: 1,
      stdout: checks(false, failed, { result: "success" }),
      expected: ["error linkerd-identity check1"],
    },
    {
      what: "a document more for an extension",
      exitCode: 1,
      stdout: `${checks(true, { result: "success" })}\n${checks(false, failed)}\n`,
      expected: ["error linkerd-identity check1"],
    },
    { what: "nothing", exitCode: 0, stdout: "", expected: "unreadable" },
    { what: "no check was made", exitCode: 0, stdout: '{"success": true, "categories": null}', expected: "unreadable" },
    {
      what: "failure without a failed check",
      exitCode: 1,
      stdout: checks(false, { result: "success" }),
      expected: "unreadable",
    },
    { what: "a failed check and status 0", exitCode: 0, stdout: checks(false, failed), expected: "unreadable" },
    {
      what: "a result that does not exist",
      exitCode: 0,
      stdout: checks(true, { result: "skipped" }),
      expected: "unreadable",
    },
  ],
  ...objects({
    plane: (tag) =>
      deployment(
        "linkerd-destination",
        "linkerd",
        { "linkerd.io/control-plane-component": "destination" },
        "destination",
        `cr.l5d.io/linkerd/controller:${tag}`,
      ),
    container: "linkerd-proxy",
    image: "cr.l5d.io/linkerd/proxy",
  }),
});
