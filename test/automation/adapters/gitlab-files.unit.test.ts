import { describe, expect, test } from "vitest";
import { blobId } from "../../../automation/adapters/archive-files.ts";
import { archiveReader, type FileSource } from "../../../automation/adapters/gitlab-files.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { type ArchiveEntry, tarGz } from "../../support/tar-gz.ts";

const commit = "a".repeat(40);

function given(entries: readonly ArchiveEntry[], more: Partial<FileSource> = {}, of = commit) {
  const asked: string[] = [];
  const bytes = new Uint8Array(tarGz(entries, of));
  const read = archiveReader({
    async archive(_repository, id, signal) {
      asked.push(`archive ${id.slice(0, 1)}`);
      signal?.throwIfAborted();
      return new Blob([bytes]);
    },
    async raw() {
      asked.push("raw");
      return undefined;
    },
    tree: async () => [],
    blob: async () => new Blob([]),
    error: (why) => new SwitchyardError("git-host-rejected", { message: why }),
    ...more,
  });
  return { asked, read: (id = commit, signal?: AbortSignal) => read("g/p", id, signal) };
}

describe("files of a commit", () => {
  test("are what is text; what is binary or a link is none, whatever its name", async () => {
    const { read } = given([
      { path: "p/a.yaml", body: "a: ü\n" },
      { path: "p/latin.yaml", body: Buffer.from([0x61, 0xfc, 0x0a]) },
      { path: "p/nul.json", body: "a\0b" },
      { path: "p/utf16.yml", body: Buffer.from("\ufeffa: 1", "utf16le") },
      { path: "p/link.yaml", type: "SymbolicLink", linkpath: "a.yaml" },
      { path: "p/B.YAML", body: "b: 1" },
      { path: "p/c.txt", body: "c" },
    ]);
    expect(await read()).toEqual([
      { path: "a.yaml", text: "a: ü\n" },
      { path: "B.YAML", text: "b: 1" },
    ]);
  });

  test("are not taken from an archive of another commit", async () => {
    const { read } = given([{ path: "p/a.yaml", body: "a" }], {}, "b".repeat(40));
    await expect(read()).rejects.toMatchObject({ message: expect.stringContaining("b".repeat(40)) });
  });

  test("are not taken from what is no archive", async () => {
    const { read } = given([], { archive: async () => new Blob(["<html>"]) });
    await expect(read()).rejects.toMatchObject({
      code: "git-host-rejected",
      message: expect.stringMatching(/cannot be read/),
    });
  });

  test("are not taken from a content that is not what the tree says", async () => {
    const tree = [{ id: blobId(Buffer.from("right"), commit), path: "a.yaml", type: "blob", mode: "100644" }];
    const entries = [
      { path: "p/.gitattributes", body: "*.yaml export-subst\n" },
      { path: "p/a.yaml", body: "wrong" },
    ];
    const wrong = given(entries, { tree: async () => tree, blob: async () => new Blob(["wrong too"]) });
    await expect(wrong.read()).rejects.toMatchObject({ message: "a.yaml is not what the commit says" });
    const right = given(entries, { tree: async () => tree, blob: async () => new Blob(["right"]) });
    expect(await right.read()).toEqual([{ path: "a.yaml", text: "right" }]);
  });

  test("are kept for the last four commits that were asked for", async () => {
    const { asked, read } = given([{ path: "p/.gitattributes" }], {}, undefined);
    for (const name of ["a", "b", "c", "d", "a", "e", "a", "b"]) await read(name);
    expect(asked).toEqual(["a", "b", "c", "d", "e", "b"].map((name) => `archive ${name}`));
  });

  test("are still got by others when who asked first stops", async () => {
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    let calls = 0;
    const { read } = given([], {
      async archive(_repository, _id, signal) {
        calls += 1;
        if (calls > 1) return new Blob([new Uint8Array(tarGz([{ path: "p/a.yaml", body: "a" }], commit))]);
        await begun;
        signal?.throwIfAborted();
        throw new Error("it was to be stopped");
      },
    });
    const first = new AbortController();
    const results = Promise.allSettled([read(commit, first.signal), read(commit)]);
    first.abort(new Error("stop"));
    resolve();
    expect(await results).toEqual([
      { status: "rejected", reason: expect.objectContaining({ message: "stop" }) },
      { status: "fulfilled", value: [{ path: "a.yaml", text: "a" }] },
    ]);
  });

  test("5,000 of them take little time", async () => {
    const { read } = given(
      Array.from({ length: 5_000 }, (_, index) => ({
        path: `p/clusters/${index}.yaml`,
        body: `version: ${index}\n`.repeat(50),
      })),
    );
    const began = performance.now();
    expect(await read()).toHaveLength(5_000);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
