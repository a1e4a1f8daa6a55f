import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../../../automation/adapters/node-file-system.ts";
import { clearDeadPlaces, openDrillPlace } from "../../../../automation/cli/drill/drill-place.ts";
import type { ProcessIdentity } from "../../../../automation/ports/process-table.ts";

let checkout: string;
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), "switchyard-place-"));
  await mkdir(join(checkout, "bin"));
  await writeFile(join(checkout, "bin", "switchyard.js"), "program");
  await mkdir(join(checkout, "stacks"));
  await writeFile(join(checkout, "stacks", "program.ts"), "source");
});
afterEach(() => rm(checkout, { recursive: true }));

/** A process table in which those have died. */
const surroundings = (startTime: string, dead: readonly string[], unknown: readonly string[] = []) => ({
  root: checkout,
  files: nodeFileSystem,
  processes: {
    self: async () => ({ pid: process.pid, startTime, host: "here" }),
    isAlive: async (other: ProcessIdentity) =>
      unknown.includes(other.startTime) ? ("unknown" as const) : !dead.includes(other.startTime),
  },
});
const places = () => readdir(join(checkout, ".switchyard", "drill"));

describe("the place of a drill", () => {
  it("is a checkout with links to the sources, a program that finds its root there, and a folder for temporary files", async () => {
    const place = await openDrillPlace(surroundings("1", []), "kills");
    expect(await readFile(join(place.root, "bin", "switchyard.js"), "utf8")).toBe("program");
    await expect(readlink(join(place.root, "bin", "switchyard.js"))).rejects.toThrow("EINVAL");
    expect(await readlink(join(place.root, "stacks"))).toBe(join(checkout, "stacks"));
    expect(await readdir(place.temporary)).toEqual([]);
    // The environment of the drill is the default one.
    expect(await readdir(place.root)).not.toContain("switchyard.yaml");
  });

  it("is gone when it is closed, and nothing that it links to", async () => {
    const place = await openDrillPlace(surroundings("1", []), "kills");
    await writeFile(join(place.temporary, "left"), "by a process that was killed");
    await place.close();
    expect(await readdir(join(checkout, ".switchyard"))).toEqual([]);
    expect(await readFile(join(checkout, "stacks", "program.ts"), "utf8")).toBe("source");
  });

  it("of a drill that is dead is cleared away by the next one; that of a living one, or of one that cannot be seen, is not", async () => {
    await openDrillPlace(surroundings("dead", []), "dead");
    await openDrillPlace(surroundings("living", []), "living");
    await openDrillPlace(surroundings("elsewhere", []), "elsewhere");
    await openDrillPlace(surroundings("mine", []), "mine");
    expect(await places()).toHaveLength(8);
    await clearDeadPlaces(surroundings("mine", ["dead"], ["elsewhere"]));
    const folders = (await places()).filter((name) => !name.endsWith(".json"));
    expect(folders.toSorted()).toEqual(["elsewhere", "living", "mine"].map((name) => `${process.pid}-${name}`));
    expect(await places()).toHaveLength(6);
  });

  it("need not have been: without one there is nothing to clear away", async () => {
    await clearDeadPlaces(surroundings("1", []));
    expect(await readdir(checkout)).toEqual(["bin", "stacks"]);
  });

  it("without an owner is what a broken removal left, and is cleared away; an owner without a place too", async () => {
    await openDrillPlace(surroundings("1", []), "a");
    await rm(join(checkout, ".switchyard", "drill", `${process.pid}-a.owner.json`));
    await openDrillPlace(surroundings("2", []), "b");
    await rm(join(checkout, ".switchyard", "drill", `${process.pid}-b`), { recursive: true });
    await clearDeadPlaces(surroundings("3", ["2"]));
    expect(await readdir(join(checkout, ".switchyard"))).toEqual([]);
  });
});
