import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeFileSystem } from "../../../automation/adapters/node-file-system.ts";
import type { FileSystem } from "../../../automation/ports/file-system.ts";
import { createMemoryFiles } from "../../support/memory-files.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "switchyard-files-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe.each<[string, () => FileSystem]>([
  ["the disk", () => nodeFileSystem],
  ["files in memory", createMemoryFiles],
])("%s", (_name, create) => {
  const at = (name: string): string => join(root, "a", "b", name);

  it("knows no file that was not written", async () => {
    const files = create();
    expect(await files.read(at("x"))).toBeUndefined();
    expect(await files.list(join(root, "a"))).toEqual([]);
    await files.remove(at("x"));
  });

  it("writes, replaces, appends, copies, lists and removes; folders come by themselves", async () => {
    const files = create();
    await files.writeAtomic(at("one"), "1");
    await files.writeAtomic(at("one"), "eins");
    await files.append(at("two"), "a\n");
    await files.append(at("two"), "b\n");
    await files.copy(at("two"), at("three"));
    expect(await files.read(at("one"))).toBe("eins");
    expect(await files.read(at("three"))).toBe("a\nb\n");
    expect((await files.list(join(root, "a", "b"))).toSorted()).toEqual(["one", "three", "two"]);
    await files.remove(at("two"));
    expect(await files.read(at("two"))).toBeUndefined();
    expect(await files.read(at("three"))).toBe("a\nb\n");
  });

  it("lets one of many create a file, and nobody ever reads a part of it", async () => {
    const files = create();
    const text = (writer: number): string => `${writer}`.repeat(1_000_000);
    const seen = new Set<number>();
    let looking = true;
    const reader = (async () => {
      while (looking) {
        const found = await files.read(at("owner"));
        if (found !== undefined) seen.add(found.length);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const created = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((writer) => files.createExclusive(at("owner"), text(writer))),
    );
    looking = false;
    await reader;
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await files.read(at("owner"))).toBe(text(created.indexOf(true) + 1));
    expect([...seen].filter((length) => length !== 1_000_000)).toEqual([]);
    expect(await files.createExclusive(at("owner"), "late")).toBe(false);
    expect(await files.list(join(root, "a", "b"))).toEqual(["owner"]);
  });
});

describe("the disk", () => {
  it("keeps secrets from others, and leaves no temporary file when it fails", async () => {
    await nodeFileSystem.writeAtomic(join(root, "token"), "secret", 0o600);
    expect((await stat(join(root, "token"))).mode & 0o777).toBe(0o600);
    // A folder is in the file's place.
    await nodeFileSystem.append(join(root, "folder", "x"), "");
    await expect(nodeFileSystem.writeAtomic(join(root, "folder"), "x")).rejects.toMatchObject({ code: "disk-error" });
    expect((await readdir(root)).toSorted()).toEqual(["folder", "token"]);
  });

  it.runIf(process.platform === "linux")("tells a full and a read-only one apart", async () => {
    await expect(nodeFileSystem.append("/dev/full", "x")).rejects.toMatchObject({ code: "disk-full" });
    await expect(nodeFileSystem.append("/proc/version", "x")).rejects.toMatchObject({
      code: expect.stringMatching(/^disk-(read-only|error)$/),
    });
  });
});
