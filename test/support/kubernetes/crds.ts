/** Custom types for a real API server: Flux's, as little of them as is read, and Istio's as its Go module ships them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { istioCharts } from "./binaries.ts";
import type { Manifest } from "./control-plane.ts";

const fluxKinds = [
  ["source.toolkit.fluxcd.io", "v1", "GitRepository"],
  ["source.toolkit.fluxcd.io", "v1", "OCIRepository"],
  ["source.toolkit.fluxcd.io", "v1", "HelmRepository"],
  ["source.toolkit.fluxcd.io", "v1", "HelmChart"],
  ["kustomize.toolkit.fluxcd.io", "v1", "Kustomization"],
  ["helm.toolkit.fluxcd.io", "v2", "HelmRelease"],
] as const;

/** With any fields, and a status that only a controller writes. */
export const fluxCrds: readonly Manifest[] = fluxKinds.map(([group, version, kind]) => {
  const singular = kind.toLowerCase();
  const plural = singular.endsWith("y") ? `${singular.slice(0, -1)}ies` : `${singular}s`;
  const open = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", properties: { spec: open, status: open } } },
          subresources: { status: {} },
        },
      ],
    },
  };
});

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().exactOptional() }),
});

/** Errors: the module is not in Go's cache. */
export async function istioCrds(): Promise<readonly Manifest[]> {
  const text = await readFile(join(istioCharts(), "base", "files", "crd-all.gen.yaml"), "utf8");
  return parseAllDocuments(text).map((document) => manifestSchema.parse(document.toJS()));
}
