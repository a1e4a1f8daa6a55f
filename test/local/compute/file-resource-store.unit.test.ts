import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openResourceStore } from "../../../local/compute/file-resource-store.ts";
import { CorruptFileError } from "../../../local/compute/json-file.ts";
import type { DeclaredResource } from "../../../local/compute/resources.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "store-"));
  path = join(folder, "resources.json");
});
afterEach(() => rm(folder, { recursive: true }));

function resource(id: string, value = 0, cluster?: string): DeclaredResource {
  const where = cluster === undefined ? {} : { cluster };
  return { provider: "gcp", type: "t", id, ...where, inputs: { value }, outputs: { list: [1, null, { a: "b" }] } };
}

describe("the resource store", () => {
  it("keeps what is declared in order of creation over a restart", async () => {
    const store = await openResourceStore(path);
    await store.put(resource("b"));
    await store.put(resource("a"));
    await store.put(resource("b", 2));
    await store.put({ ...resource("c"), type: "u" });
    await store.delete("u", "c");
    const reopened = await openResourceStore(path);
    expect(reopened.list()).toEqual([resource("b", 2), resource("a")]);
    expect(reopened.get("t", "b")?.inputs).toEqual({ value: 2 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("tells clusters apart", async () => {
    const store = await openResourceStore(path);
    await store.put(resource("x", 1, "https://one"));
    await store.put(resource("x", 2, "https://two"));
    expect(store.get("t", "x", "https://two")?.inputs).toEqual({ value: 2 });
    expect(store.get("t", "x")).toBeUndefined();
  });

  it("loses none of many concurrent changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { maxLength: 30 }), async (ids) => {
        await rm(path, { force: true });
        const store = await openResourceStore(path);
        await Promise.all(ids.map((id) => store.put(resource(id))));
        await Promise.all(ids.filter((_, index) => index % 3 === 0).map((id) => store.delete("t", id)));
        const left = ids.filter((_, index) => index % 3 !== 0).map((id) => resource(id));
        expect((await openResourceStore(path)).list()).toEqual(left);
      }),
      { numRuns: 20 },
    );
  });

  it("tells listeners after the change, until they leave", async () => {
    const store = await openResourceStore(path);
    const seen: number[] = [];
    const stop = store.onChange(() => seen.push(store.list().length));
    await store.put(resource("a"));
    await store.delete("t", "a");
    stop();
    await store.put(resource("b"));
    expect(seen).toEqual([1, 0]);
  });

  it.each([
    ["half a file", `{"version":1,"resour`],
    ["another version", `{"version":2,"resources":[]}`],
    ["a resource without id", `{"version":1,"resources":[{"provider":"gcp","type":"t","inputs":{},"outputs":{}}]}`],
  ])("refuses %s, names it, and keeps one copy", async (_name, text) => {
    await writeFile(path, text);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const error: unknown = await openResourceStore(path).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CorruptFileError);
      expect(error instanceof CorruptFileError && (await readFile(error.copy, "utf8"))).toBe(text);
      expect(String(error)).toContain(path);
    }
    expect(await readFile(path, "utf8")).toBe(text);
    expect(await readdir(folder)).toHaveLength(2);
  });

  it("keeps what it had in memory when the disk refuses a change", async () => {
    const store = await openResourceStore(path);
    await store.put(resource("a"));
    // A folder in the temporary file's place makes the write fail, for root too.
    const { mkdir } = await import("node:fs/promises");
    await mkdir(`${path}.new`);
    await expect(store.put(resource("b"))).rejects.toThrow("EISDIR");
    expect(store.list()).toEqual([resource("a")]);
    await rm(`${path}.new`, { recursive: true });
    await store.put(resource("c"));
    expect((await openResourceStore(path)).list()).toEqual([resource("a"), resource("c")]);
  });
});
