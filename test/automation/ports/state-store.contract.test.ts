import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { nodeFileSystem } from "../../../automation/adapters/node-file-system.ts";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import { createMemoryFiles } from "../../support/memory-files.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";
import { stateStoreContract } from "./state-store.contract.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

stateStoreContract("memory", async () => {
  const store = createMemoryStateStore();
  return { open: () => store };
});

stateStoreContract("files in memory", async () => {
  const files = createMemoryFiles();
  return { open: () => createFileStateStore({ files, folder: "/state" }) };
});

stateStoreContract("files on the disk", async () => {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-state-"));
  folders.push(folder);
  return { open: () => createFileStateStore({ files: nodeFileSystem, folder }) };
});
