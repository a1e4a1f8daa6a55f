import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blobId, changesArchives, readArchive, textOf } from "../../../automation/adapters/archive-files.ts";
import { type ArchiveEntry, tarGz } from "../../support/tar-gz.ts";

const bounds = { total: 10_000_000, file: 1_000 };
const read = async (entries: readonly ArchiveEntry[], comment?: string) => {
  const { files, commit } = await readArchive(tarGz(entries, comment), () => true, bounds);
  return { commit, texts: Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()])) };
};

describe("an archive", () => {
  test("gives its plain files below its one folder, and the commit that it is of", async () => {
    const { texts, commit } = await read(
      [
        { path: "p-abc/a.yaml", body: "a: 1\n" },
        { path: "p-abc/b/c.json", body: "{}" },
      ],
      "f".repeat(40),
    );
    expect(texts).toEqual({ "a.yaml": "a: 1\n", "b/c.json": "{}" });
    expect(commit).toBe("f".repeat(40));
  });

  test("gives nothing that leads elsewhere", async () => {
    const { texts } = await read([
      { path: "p/../../etc/x.yaml", body: "1" },
      { path: "/etc/y.yaml", body: "2" },
      { path: "p/a/./b.yaml", body: "3" },
      { path: "p/a\\..\\b.yaml", body: "4" },
      { path: "p/link.yaml", type: "SymbolicLink", linkpath: "/etc/passwd" },
      { path: "p/hard.yaml", type: "Link", linkpath: "p/good.yaml" },
      { path: "p/folder.yaml/", type: "Directory" },
      { path: "p/good.yaml", body: "5" },
    ]);
    expect(Object.keys(texts)).toEqual(["etc/y.yaml", "good.yaml"]);
    expect(texts["good.yaml"]).toBe("5");
    expect(Object.keys(texts).filter((path) => path.startsWith("/") || path.includes(".."))).toEqual([]);
  });

  test("leaves out files above the bound and reads the others behind them", async () => {
    const { texts } = await read([
      { path: "p/big.yaml", body: "x".repeat(1_001) },
      { path: "p/small.yaml", body: "s" },
    ]);
    expect(texts).toEqual({ "small.yaml": "s" });
  });

  test("that unfolds into more than the bound is refused", async () => {
    const bomb = tarGz([{ path: "p/a.yaml", body: Buffer.alloc(11_000_000) }]);
    expect(bomb.length).toBeLessThan(50_000);
    await expect(readArchive(bomb, () => true, bounds)).rejects.toThrow();
  });

  test("that is none, or that is cut off, is refused", async () => {
    await expect(readArchive(Buffer.from("<html>"), () => true, bounds)).rejects.toThrow();
    const whole = tarGz([{ path: "p/a.yaml", body: "a".repeat(900) }]);
    await expect(readArchive(whole.subarray(0, whole.length - 20), () => true, bounds)).rejects.toThrow();
  });

  test("gives every byte of every file", async () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,40}$/), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.array(fc.uint8Array({ maxLength: 1_000 }), { minLength: 6, maxLength: 6 }),
        async (paths, bodies) => {
          const entries = paths.map((path, index) => ({ path: `p/${path}`, body: Buffer.from(bodies[index] ?? []) }));
          const { files } = await readArchive(tarGz(entries), () => true, bounds);
          expect(files.size).toBe(paths.length);
          for (const { path, body } of entries) expect(files.get(path.slice(2))?.equals(body)).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  });
});

test("text keeps its byte order mark, and what is no UTF-8 is none", () => {
  expect(textOf(Buffer.from("\ufeffa: ü\r\n"))).toBe("\ufeffa: ü\r\n");
  expect(textOf(Buffer.from([0x61, 0xff, 0xfe]))).toBeUndefined();
});

test("ids of contents are Git's", () => {
  expect(blobId(Buffer.from("hello\n"), "0".repeat(40))).toBe("ce013625030ba8dba906f756967f9e9ca394464a");
  expect(blobId(Buffer.from(""), "0".repeat(64))).toBe(
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
  );
});

test.each([
  ["*.yaml export-ignore", true],
  ["secrets/** filter=git-crypt diff=git-crypt", true],
  ["* text=auto eol=crlf", true],
  ["*.yaml ident", true],
  ["VERSION\texport-subst", true],
  ["*.ps1 working-tree-encoding=UTF-16LE", true],
  ["* text=auto\n*.sh eol=lf", false],
  ["# *.yaml export-ignore", false],
  ["*.yaml -export-ignore -filter", false],
  ["", false],
])("attributes %j let an archive differ: %s", (attributes, expected) => {
  expect(changesArchives(attributes)).toBe(expected);
});
