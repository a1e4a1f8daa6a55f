/** emptyDir: fine while it is small, on disk and bounded. */
import { bytesOf, gibibyte } from "../quantity.ts";
import { everywhere, kubernetesOnly, type StatelessRule, warning } from "../rule.ts";
import type { Subject } from "../subject.ts";
import type { Value } from "../value.ts";

function* emptyDirs(subject: Subject): Generator<{ name: string; source: Value; onDisk: boolean }> {
  for (const volume of subject.workload?.volumes ?? []) {
    const source = volume.get("emptyDir");
    if (!source.exists) continue;
    const medium = source.get("medium").text ?? "";
    // Cloud Run's own default is memory.
    const onDisk = subject.workload?.kubernetes === true ? medium !== "Memory" : medium === "DISK";
    yield { name: volume.get("name").text ?? "without a name", source, onDisk };
  }
}

export const scratchSpaceRules: readonly StatelessRule[] = [
  warning({
    id: "empty-dir-without-limit",
    class: "cache-only",
    fix: "Set sizeLimit, at most 1Gi.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { name, source } of emptyDirs(subject)) {
        if (!source.get("sizeLimit").exists)
          sight(source, `The emptyDir ${name} has no sizeLimit, so it can hold any amount of data`);
      }
    },
  }),
  warning({
    id: "empty-dir-large",
    class: "cache-only",
    fix: "Lower sizeLimit to 1Gi or less, or keep the data in an object store.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { name, source } of emptyDirs(subject)) {
        const limit = source.get("sizeLimit");
        const bytes = limit.text === undefined ? 0 : bytesOf(limit.text);
        if (bytes === undefined) sight(limit, `The emptyDir ${name} has a sizeLimit that is no quantity`);
        else if (bytes > gibibyte)
          sight(limit, `The emptyDir ${name} may hold ${limit.text}, which a new instance has to gather again`);
      }
    },
  }),
  warning({
    id: "empty-dir-in-memory",
    class: "cache-only",
    fix: "Use an emptyDir on disk with a sizeLimit, or a cache outside the platform.",
    platforms: everywhere,
    look(subject, sight) {
      for (const { name, source, onDisk } of emptyDirs(subject)) {
        if (!onDisk) sight(source, `The emptyDir ${name} is in memory, which counts to the container's limit`);
      }
    },
  }),
  warning({
    id: "seeding-init-container",
    class: "cache-only",
    fix: "Put the files into the image, or read them from where they are when they are needed.",
    platforms: kubernetesOnly,
    look(subject, sight) {
      const { workload } = subject;
      if (workload === undefined) return;
      const volumes = new Set([...emptyDirs(subject)].map(({ name }) => name));
      const mounted = new Set(
        workload.containers.flatMap(({ mounts }) => mounts.map((mount) => mount.get("name").text ?? "")),
      );
      for (const container of workload.initContainers) {
        // One that is always restarted is a sidecar.
        const restart = container.value.get("restartPolicy");
        if (restart.isUnknown || restart.text === "Always") continue;
        for (const mount of container.mounts) {
          const name = mount.get("name").text ?? "";
          if (volumes.has(name) && mounted.has(name) && !mount.get("readOnly").isTrue) {
            sight(mount, `The init container fills the emptyDir ${name} with what the container then works on`);
          }
        }
      }
    },
  }),
];
