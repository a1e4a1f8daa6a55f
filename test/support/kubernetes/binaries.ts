/** Real binaries to test against, where tools/build-kubernetes.sh has built them. */
import { accessSync, constants, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export type KubernetesBinary = "kube-apiserver" | "etcd" | "istioctl" | "helm" | "pilot-discovery";

const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "switchyard", "kubernetes", "bin");

export const binaryPath = (name: KubernetesBinary): string => join(folder, name);

function isBuilt(name: KubernetesBinary): boolean {
  try {
    accessSync(binaryPath(name), constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether all are there; if not, a line says what is skipped and how to get them. */
export function haveBinaries(suite: string, names: readonly KubernetesBinary[]): boolean {
  const missing = names.filter((name) => !isBuilt(name));
  if (missing.length === 0) return true;
  process.stderr.write(
    `SKIPPED: ${suite}: ${missing.join(", ")} not built. To build:   bash tools/build-kubernetes.sh ${names.join(" ")}\n`,
  );
  return false;
}

/** Istio's charts as its Go module ships them; the module is there where istioctl was built. Errors: none found. */
export function istioCharts(): string {
  const modules =
    process.env["GOMODCACHE"] ?? join(process.env["GOPATH"]?.split(":")[0] ?? join(homedir(), "go"), "pkg", "mod");
  const found = readdirSync(join(modules, "istio.io"))
    .filter((name) => name.startsWith("istio@"))
    .toSorted()
    .at(-1);
  if (found === undefined) throw new Error(`${modules} has no istio.io/istio: bash tools/build-kubernetes.sh istioctl`);
  return join(modules, "istio.io", found, "manifests", "charts");
}
