import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildImage } from "../../local/registry/image.ts";
import { openRegistry } from "../../local/registry/registry.ts";
import { createProcessRuntime } from "../../local/runtime/process-runtime.ts";
import type { Runtime } from "../../local/runtime/runtime.ts";
import { systemClock } from "../../local/runtime/system-clock.ts";
import { removeFolder } from "./remove-folder.ts";

/** A runtime over real processes in a folder of its own, and the image `echo`. */
export interface LocalProcesses {
  readonly root: string;
  readonly stateDirectory: string;
  readonly logsDirectory: string;
  readonly image: string;
  readonly runtime: Runtime;
  /** Ends everything and removes the folder. */
  close(): Promise<void>;
}

export async function startLocalProcesses(): Promise<LocalProcesses> {
  const root = await mkdtemp(path.join(tmpdir(), "switchyard-processes-"));
  const imagesDirectory = path.join(root, "images");
  const stateDirectory = path.join(root, "local");
  const logsDirectory = path.join(stateDirectory, "logs");
  const folder = fileURLToPath(new URL("../fixtures/images/echo", import.meta.url));
  const { image } = await buildImage({ folder, imagesDirectory });
  const runtime = createProcessRuntime({ registry: openRegistry(imagesDirectory), logsDirectory, clock: systemClock });
  return {
    root,
    stateDirectory,
    logsDirectory,
    image,
    runtime,
    async close() {
      await runtime.close(0);
      await removeFolder(root);
    },
  };
}
