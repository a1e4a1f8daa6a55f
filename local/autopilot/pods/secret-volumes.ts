import { parse } from "yaml";
import { z } from "zod";
import type { InstanceSpec } from "../../runtime/runtime.ts";
import type { Container, Pod, Volume } from "../objects/pod.ts";
import type { SecretProviderClass } from "../objects/settings.ts";

/** Of Google's Secret Manager add-on. */
export const SECRET_MANAGER_DRIVER = "secrets-store-gke.csi.k8s.io";

/** The class that a volume of the add-on mounts; undefined for other volumes. */
export function secretClassOf({ csi }: Volume): string | undefined {
  return csi?.driver === SECRET_MANAGER_DRIVER ? (csi.volumeAttributes["secretProviderClass"] ?? "") : undefined;
}

/** The kubelet's FailedMount; `missing`: the class may still appear. */
export interface MountError {
  readonly kind: "mount-error";
  readonly message: string;
  readonly missing: boolean;
}

/** The spec's `secrets` list; files lie in the volume itself. */
const secretList = z.array(
  z.object({ resourceName: z.string(), path: z.string().regex(/^(?!\.\.)[A-Za-z0-9._-]+$/, "is not a file's name") }),
);

/** What the container finds where it mounts secrets: by mount path, files by name with the version that each holds. */
export function secretFolders(
  pod: Pod,
  container: Container,
  classNamed: (name: string) => SecretProviderClass | undefined,
): NonNullable<InstanceSpec["secretFolders"]> | MountError {
  const folders: Record<string, Record<string, string>> = {};
  for (const volume of pod.spec.volumes ?? []) {
    const name = secretClassOf(volume);
    if (name === undefined) continue;
    const found = classNamed(name);
    if (found === undefined) {
      const what = `SecretProviderClass.secrets-store.csi.x-k8s.io "${name}" not found`;
      const full = `failed to get secretproviderclass ${pod.metadata.namespace}/${name}, error: ${what}`;
      return { kind: "mount-error", message: mountMessage(volume.name, full), missing: true };
    }
    const files = filesOf(found);
    if (typeof files === "string")
      return { kind: "mount-error", message: mountMessage(volume.name, files), missing: false };
    for (const mount of container.volumeMounts ?? []) if (mount.name === volume.name) folders[mount.mountPath] = files;
  }
  return folders;
}

/** As the kubelet's event FailedMount says it. */
export function mountMessage(volume: string, why: string): string {
  return `MountVolume.SetUp failed for volume "${volume}" : rpc error: code = Unknown desc = failed to mount secrets store objects: ${why}`;
}

/** Or why there are none. */
function filesOf({ spec }: SecretProviderClass): Record<string, string> | string {
  if (spec.provider !== "gke") return `provider not found: provider "${spec.provider}"`;
  let list: unknown;
  try {
    list = parse(spec.parameters["secrets"] ?? "");
  } catch {
    return "failed to unmarshal secrets attribute: it is not YAML";
  }
  const parsed = secretList.safeParse(list);
  return parsed.success
    ? Object.fromEntries(parsed.data.map(({ resourceName, path }) => [path, resourceName]))
    : `failed to unmarshal secrets attribute: ${parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ")}`;
}
