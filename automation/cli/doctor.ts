/** What a local environment needs, looked at one by one. */
import { access, constants, statfs } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { SwitchyardError } from "../errors.ts";
import type { Composition } from "./compose.ts";
import { bytes } from "./text.ts";

export interface Finding {
  readonly name: string;
  readonly state: "ok" | "missing" | "note";
  readonly detail: string;
  /** The command that repairs it. */
  readonly repair?: string;
}

/** Room below which a demo may run into a full disk. */
const diskWanted = 1_073_741_824;

export async function examine(
  root: string,
  env: NodeJS.ProcessEnv,
  composition: Composition,
): Promise<readonly Finding[]> {
  return Promise.all([
    node(),
    packages(root),
    engine(composition),
    go(env),
    configuration(composition),
    disk(root),
    writable(root),
    localCloud(composition),
    swap(composition),
  ]);
}

async function node(): Promise<Finding> {
  return { name: "Node", state: "ok", detail: process.versions.node };
}

async function packages(root: string): Promise<Finding> {
  const name = "npm packages";
  for (const wanted of ["@pulumi/pulumi", "@pulumi/gcp", "@pulumi/kubernetes", "node/bin/node"]) {
    if (!(await exists(join(root, "node_modules", wanted)))) {
      const repair = wanted.startsWith("node/") ? "npm rebuild node" : "npm ci";
      return { name, state: "missing", detail: `${wanted} is not installed`, repair };
    }
  }
  return { name, state: "ok", detail: "installed" };
}

async function engine(composition: Composition): Promise<Finding> {
  const name = "Pulumi engine";
  const found = await composition.lookForEngine();
  if (found !== undefined) return { name, state: "ok", detail: `${found.version} (${found.source}), ${found.pulumi}` };
  return { name, state: "note", detail: "not here yet; the first command that needs it downloads or builds it" };
}

async function go(env: NodeJS.ProcessEnv): Promise<Finding> {
  const found = await onPath("go", env);
  return found === undefined
    ? { name: "Go", state: "note", detail: "not found; only needed where Pulumi cannot be downloaded" }
    : { name: "Go", state: "ok", detail: found };
}

async function configuration(composition: Composition): Promise<Finding> {
  const name = "switchyard.yaml";
  try {
    const { environments } = await composition.config();
    return { name, state: "ok", detail: `environments ${Object.keys(environments).join(", ")}` };
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    return { name, state: "missing", detail: error.message, repair: "npx switchyard init --print" };
  }
}

async function disk(root: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(root);
  const free = bavail * bsize;
  return free >= diskWanted
    ? { name: "disk", state: "ok", detail: `${bytes(free)} free` }
    : {
        name: "disk",
        state: "missing",
        detail: `${bytes(free)} free, ${bytes(diskWanted)} wanted`,
        repair: "free some space",
      };
}

async function writable(root: string): Promise<Finding> {
  const name = "state folder";
  try {
    await access(root, constants.W_OK);
    return { name, state: "ok", detail: join(root, ".switchyard") };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { name, state: "missing", detail, repair: `chmod u+w ${root}` };
  }
}

async function localCloud(composition: Composition): Promise<Finding> {
  const cloud = await composition.findLocalCloud();
  return cloud === undefined
    ? { name: "local cloud", state: "note", detail: "does not run; commands that need it start it" }
    : { name: "local cloud", state: "ok", detail: `process ${cloud.pid}` };
}

async function swap(composition: Composition): Promise<Finding> {
  const name = "open swaps";
  const { environments } = await composition.config().catch(() => ({ environments: {} }));
  for (const each of Object.keys(environments)) {
    const { store } = await composition.environment(each);
    try {
      const open = await store.open();
      if (open !== undefined && (await store.owner()) === undefined) {
        return {
          name,
          state: "note",
          detail: `swap ${open.state.id} of ${each} was interrupted`,
          repair: `npx switchyard swap resume --env ${each}`,
        };
      }
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      return { name, state: "missing", detail: error.message };
    }
  }
  return { name, state: "ok", detail: "none that nobody drives" };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function onPath(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && (await exists(path))) return path;
  }
  return undefined;
}
