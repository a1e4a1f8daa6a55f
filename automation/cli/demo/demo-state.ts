/**
 * The demo works in the environment `local` of this checkout, with a local cloud of its own, and leaves nothing there but
 * its swaps' journals and its report. What a demo that was killed left behind is known by a mark and cleared away.
 */
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { SwitchyardError } from "../../errors.ts";
import type { Composition } from "../compose.ts";

const folder = ".switchyard";

function markPath(root: string): string {
  return join(root, folder, "demo.json");
}

/** Clears what an earlier demo left, and marks what follows as the demo's. Errors: environment-in-use. */
export async function enterDemo(composition: Composition): Promise<void> {
  const { root, files } = composition;
  const running = await composition.findLocalCloud();
  if (running !== undefined) {
    throw new SwitchyardError("environment-in-use", {
      message: `The local cloud runs already (process ${running.pid}), and the demo needs one of its own`,
      next: [
        "To end it:     npx switchyard local stop",
        "What it declares comes back with:   npx switchyard local start",
      ],
    });
  }
  if ((await files.read(markPath(root))) !== undefined) await clearDemo(composition);
  const declared = await declaredResources(root);
  if (declared > 0) {
    throw new SwitchyardError("environment-in-use", {
      message: `Environment local has ${declared} resources of yours, and the demo would change them`,
      next: [
        "To remove them:   npx switchyard destroy traffic.local --yes; npx switchyard destroy gke.local --yes; npx switchyard destroy cloud-run.local --yes; npx switchyard local stop",
      ],
    });
  }
  await files.writeAtomic(markPath(root), `${JSON.stringify({ pid: process.pid })}\n`);
}

/** Removes everything of a demo but journals, reports and images. The demo's local cloud must have ended. */
export async function clearDemo(composition: Composition): Promise<void> {
  const { root } = composition;
  await abandonOpenSwap(root, composition);
  await rm(join(root, folder, "local"), { recursive: true, force: true });
  await rm(join(root, folder, "pulumi", "state"), { recursive: true, force: true });
  for (const name of await readdir(root)) {
    if (/^Pulumi\.(gke|cloud-run|traffic)\.local\.yaml$/.test(name)) await rm(join(root, name));
  }
  await rm(markPath(root), { force: true });
}

/** A swap whose environment is gone cannot be resumed; its journal is kept under another name. */
async function abandonOpenSwap(root: string, composition: Composition): Promise<void> {
  const { store } = await composition.environment("local");
  const open = await store.open();
  if (open === undefined) return;
  const swap = join(root, folder, "environments", "local", "swaps", open.state.id);
  await rename(swap, `${swap}.abandoned-${Date.now()}`);
  await rm(join(root, folder, "environments", "local", "owner.json"), { force: true });
}

async function declaredResources(root: string): Promise<number> {
  const path = join(root, folder, "local", "resources.json");
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value === "object" && value !== null && "resources" in value && Array.isArray(value.resources)) {
      return value.resources.length;
    }
    return 0;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}
