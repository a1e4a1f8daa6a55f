/** Disks, shares and buckets that a workload holds on to. */
import { everywhere, hard, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import type { Subject } from "../subject.ts";
import type { Value } from "../value.ts";

/** Volumes of the subject's workload that are of that source. */
function* volumesOf(subject: Subject, ...sources: readonly string[]): Generator<{ volume: Value; source: Value }> {
  for (const volume of subject.workload?.volumes ?? []) {
    for (const name of sources) {
      const source = volume.get(name);
      if (source.exists) yield { volume, source };
    }
  }
}

function named(volume: Value): string {
  return `volume ${volume.get("name").text ?? "without a name"}`;
}

/** Drivers of inline CSI volumes that mount a file system which others write to, too. */
const sharedDrivers: Readonly<Record<string, string>> = {
  "nfs.csi.k8s.io": "an NFS share",
  "efs.csi.aws.com": "an EFS file system",
  "filestore.csi.storage.gke.io": "a Filestore share",
  "file.csi.azure.com": "an Azure file share",
  "lustre.csi.storage.gke.io": "a Lustre file system",
};
const bucketDrivers: readonly string[] = ["gcsfuse.csi.storage.gke.io", "s3.csi.aws.com", "blob.csi.azure.com"];

const networkDisks = [
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "azureDisk",
  "cinder",
  "fc",
  "flexVolume",
  "flocker",
  "iscsi",
  "photonPersistentDisk",
  "portworxVolume",
  "quobyte",
  "rbd",
  "scaleIO",
  "storageos",
  "vsphereVolume",
] as const;

const knownSources: ReadonlySet<string> = new Set([
  ...networkDisks,
  ...[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "image",
    "gitRepo",
    "projected",
    "secret",
  ],
  ...["azureFile", "cephfs", "glusterfs", "nfs", "persistentVolumeClaim", "gcs", "cloudSqlInstance"],
]);

/** Volume sources that no rule knows, and members of a volume that are none. */
export function unknownVolumeSources(subject: Subject): readonly Value[] {
  return (subject.workload?.volumes ?? []).flatMap((volume) => {
    const sources = volume.keys.filter((key) => key !== "name");
    return sources.filter((key) => !knownSources.has(key)).map((key) => volume.get(key));
  });
}

const outside =
  "Keep the data in a service outside the platform (database, object store) and read it over the network.";

export const storageRules: readonly StatelessRule[] = [
  hard({
    id: "persistent-volume-claim",
    fix: outside,
    platforms: kubernetesOnly,
    forbids: ["PersistentVolumeClaim"],
    look(subject, sight) {
      if (subject.group === "" && subject.kind === "PersistentVolumeClaim") {
        sight(subject.object, "A claim asks for a disk that outlives the pods");
      }
      for (const { volume, source } of volumesOf(subject, "persistentVolumeClaim")) {
        const claim = source.get("claimName").text;
        sight(
          source,
          `The ${named(volume)} is the claim ${claim ?? "without a name"}, a disk that stays behind in a swap`,
        );
      }
    },
  }),
  hard({
    id: "volume-claim-template",
    fix: outside,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "apps" || kind !== "StatefulSet") return;
      for (const template of object.get("spec", "volumeClaimTemplates").items) {
        sight(
          template,
          `Each replica gets a disk of its own from ${template.get("metadata", "name").text ?? "a template"}`,
        );
      }
    },
  }),
  hard({
    id: "persistent-volume",
    fix: outside,
    platforms: kubernetesOnly,
    forbids: ["PersistentVolume"],
    look({ group, kind, object }, sight) {
      if (group === "" && kind === "PersistentVolume") sight(object, "A disk is declared that outlives the pods");
    },
  }),
  hard({
    id: "retained-ephemeral-volume",
    fix: "Use an emptyDir with a sizeLimit, or a storage class with reclaimPolicy Delete.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "ephemeral")) {
        const name = source.get("volumeClaimTemplate", "spec", "storageClassName");
        const storageClass = name.text === undefined ? undefined : subject.other("StorageClass", name.text);
        const retains = storageClass?.get("reclaimPolicy").text === "Retain" || /retain/i.test(name.text ?? "");
        // Who keeps the disk is said in the class, which need not be in the same scan.
        if (storageClass === undefined && !retains) name.cannotDecide();
        if (retains) {
          sight(
            source,
            `The ${named(volume)} is of the storage class ${name.text}, which keeps the disk after the pod`,
          );
        }
      }
    },
  }),
  warning({
    id: "scratch-volume",
    class: "cache-only",
    fix: "Use an emptyDir with a sizeLimit of at most 1Gi, or stream the data.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "ephemeral")) {
        sight(source, `The ${named(volume)} is a disk that the pod fills, and a new pod begins without its content`);
      }
    },
  }),
  hard({
    id: "host-path",
    fix: "Read configuration from a ConfigMap, write logs to stdout, and keep data outside the platform.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "hostPath")) {
        sight(
          source,
          `The ${named(volume)} is a folder of the node, which Cloud Run has not and another node fills otherwise`,
        );
      }
      if (subject.group === "" && subject.kind === "PersistentVolume") {
        const path = subject.object.get("spec", "hostPath");
        if (path.exists) sight(path, "The volume is a folder of one node");
      }
    },
  }),
  hard({
    id: "local-volume",
    fix: outside,
    platforms: kubernetesOnly,
    look({ group, kind, object }, sight) {
      if (group !== "" || kind !== "PersistentVolume") return;
      const local = object.get("spec", "local");
      if (local.exists) sight(local, "The volume is a disk in one node");
    },
  }),
  hard({
    id: "single-writer-disk-shared",
    fix: "One replica cannot be moved without a gap and several cannot share the disk: keep the data outside the platform.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      // A set's own templates give each replica a disk; a claim by name is one for all.
      if (subject.group !== "apps" || subject.workload === undefined) return;
      const replicas = subject.object.get("spec", "replicas");
      for (const { source } of volumesOf(subject, "persistentVolumeClaim")) {
        const claim = source.get("claimName").text ?? "";
        const modes = subject
          .other("PersistentVolumeClaim", `${subject.namespace}/${claim}`)
          ?.get("spec", "accessModes");
        const single = (modes?.items ?? []).some((mode) => /^ReadWriteOnce(Pod)?$/.test(mode.text ?? ""));
        if (single && (replicas.number ?? 1) > 1) {
          sight(
            replicas,
            `${replicas.number} replicas share the claim ${claim}, which only one node at a time can mount`,
          );
        }
      }
    },
  }),
  hard({
    id: "network-file-system",
    fix: "Mount it read-only, or keep the data in a database or an object store that is called over the network.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "nfs", "cephfs", "glusterfs", "azureFile")) {
        if (!source.get("readOnly").isTrue)
          sight(source, `The ${named(volume)} is a network file system with write access`);
      }
      for (const { volume, source } of volumesOf(subject, "csi")) {
        const share = sharedDrivers[source.get("driver").text ?? ""];
        if (share !== undefined && !source.get("readOnly").isTrue) {
          sight(source, `The ${named(volume)} is ${share} with write access`);
        }
      }
    },
  }),
  hard({
    id: "bucket-mount",
    fix: "Mount it read-only, or write through the object store's API.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "gcs")) {
        if (!source.get("readOnly").isTrue) sight(source, `The ${named(volume)} is a bucket mounted with write access`);
      }
      for (const { volume, source } of volumesOf(subject, "csi")) {
        if (bucketDrivers.includes(source.get("driver").text ?? "") && !source.get("readOnly").isTrue) {
          sight(source, `The ${named(volume)} is a bucket mounted with write access`);
        }
      }
    },
  }),
  hard({
    id: "network-disk",
    fix: outside,
    platforms: kubernetesOnly,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, ...networkDisks)) {
        sight(source, `The ${named(volume)} is a disk that one cluster can attach`);
      }
    },
  }),
  hard({
    id: "csi-volume",
    fix: "Mount it read-only (secrets and certificates are), or keep the data outside the platform.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      for (const { volume, source } of volumesOf(subject, "csi")) {
        const driver = source.get("driver").text ?? "";
        if (driver in sharedDrivers || bucketDrivers.includes(driver)) continue;
        if (!source.get("readOnly").isTrue)
          sight(source, `The ${named(volume)} of the driver ${driver} can be written to`);
      }
    },
  }),
];
