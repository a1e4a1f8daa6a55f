/**
 * The demo works in the environment `local` of this checkout, with a local cloud and stacks of its own. What is there of
 * the user's is set aside before and put back afterwards; of the demo only journals, reports and images stay. A mark on disk says
 * how far it came, so that a demo that was killed is cleared away by the next one.
 */
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { SwitchyardError } from "../../errors.ts";
import type { Composition } from "../compose.ts";

const stateFolder = ".switchyard";
const keptFolder = join(stateFolder, "kept-by-demo");
const stackFile = /^Pulumi\.(gke|cloud-run|traffic)\.local\.yaml$/;

/** What the demo makes anew, from the root. */
const replaced = [join(stateFolder, "local"), join(stateFolder, "pulumi", "state")];

const mark = z.object({ stage: z.enum(["setting-aside", "running", "putting-back"]), pid: z.number() });
type Stage = z.infer<typeof mark>["stage"];

/** Clears what an earlier demo left, and sets the user's things aside. Errors: environment-in-use. */
export async function enterDemo(composition: Composition): Promise<void> {
  const { root } = composition;
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
  await clearDemo(composition);
  const { store } = await composition.environment("local");
  const open = await store.open();
  if (open !== undefined) {
    throw new SwitchyardError("environment-in-use", {
      message: `Swap ${open.state.id} of environment local has not ended, and the demo would come between`,
      next: [
        "To go on with it:   npx switchyard swap resume --env local",
        "To go back:         npx switchyard swap abort --env local",
      ],
    });
  }
  await writeMark(composition, "setting-aside");
  for (const path of [...replaced, ...(await stackFiles(root))])
    await move(join(root, path), join(root, keptFolder, path));
  await writeMark(composition, "running");
}

/** Removes what is a demo's and puts the user's things back; does nothing without a mark. The demo's local cloud must have ended. */
export async function clearDemo(composition: Composition): Promise<void> {
  const { root, files } = composition;
  const text = await files.read(markPath(root));
  if (text === undefined) return;
  const { stage } = mark.parse(JSON.parse(text));
  if (stage === "running") {
    await abandonOpenSwap(composition);
    // The local cloud's watchdog may still be ending its last instance.
    for (const path of [...replaced, ...(await stackFiles(root))])
      await rm(join(root, path), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  await writeMark(composition, "putting-back");
  const kept = join(root, keptFolder);
  for (const path of [...replaced, ...(await stackFiles(kept))]) await move(join(kept, path), join(root, path));
  await rm(kept, { recursive: true, force: true });
  await files.remove(markPath(root));
}

/** A swap whose environment is gone cannot be resumed; its journal is kept. */
async function abandonOpenSwap(composition: Composition): Promise<void> {
  const { store } = await composition.environment("local");
  const open = await store.open();
  if (open === undefined) return;
  await store.setAside(open.state.id, "demo");
}

function markPath(root: string): string {
  return join(root, stateFolder, "demo.json");
}

async function writeMark({ root, files }: Composition, stage: Stage): Promise<void> {
  await files.writeAtomic(
    markPath(root),
    `${JSON.stringify({ stage, pid: process.pid } satisfies z.infer<typeof mark>)}\n`,
  );
}

async function stackFiles(folder: string): Promise<readonly string[]> {
  return (await exists(folder)) ? (await readdir(folder)).filter((name) => stackFile.test(name)) : [];
}

async function move(from: string, to: string): Promise<void> {
  if (!(await exists(from))) return;
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
