import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildImage, ImageInvalidError } from "../../../local/registry/image.ts";
import { ImageNotFoundError } from "../../../local/registry/image-error.ts";
import { openRegistry } from "../../../local/registry/registry.ts";

let root: string;
let folder: string;
let imagesDirectory: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "switchyard-image-"));
  folder = path.join(root, "source", "agent");
  imagesDirectory = path.join(root, "images");
  await write(
    "agent/package.json",
    JSON.stringify({ name: "agent", switchyard: { image: { start: ["node", "main.ts"] } } }),
  );
  await write("agent/main.ts", "one");
});

afterEach(() => rm(root, { recursive: true, force: true }));

async function write(file: string, content: string): Promise<void> {
  const target = path.join(root, "source", file);
  await mkdir(path.dirname(target), { recursive: true });
  await writeFile(target, content);
}

const build = () => buildImage({ folder, imagesDirectory });

describe("an image", () => {
  it("is named by package and digest and holds the folder's files", async () => {
    await write("agent/lib/deep.ts", "deep");
    const image = await build();
    expect(image.image).toMatch(/^agent@sha256:[0-9a-f]{64}$/);
    expect(image.files).toEqual(["lib/deep.ts", "main.ts", "package.json"]);
    expect(await readFile(path.join(image.directory, "rootfs/lib/deep.ts"), "utf8")).toBe("deep");
    expect(await openRegistry(imagesDirectory).resolve(image.image)).toEqual({
      rootfs: path.join(image.directory, "rootfs"),
      start: ["node", "main.ts"],
    });
  });

  it("leaves out what is installed, versioned, for tests or secret", async () => {
    const left = ["node_modules/x/index.js", ".git/config", "test/a.ts", "lib/a.test.ts", ".env", ".env.local"];
    for (const file of left) await write(`agent/${file}`, "x");
    expect((await build()).files).toEqual(["main.ts", "package.json"]);
  });

  it("has the same digest when it is built again, whatever the umask and time", async () => {
    const first = await build();
    await chmod(path.join(folder, "main.ts"), 0o600);
    await writeFile(path.join(folder, "main.ts"), "one");
    expect((await build()).image).toBe(first.image);
    expect(await readdir(path.join(imagesDirectory, "agent"))).toHaveLength(1);
  });

  it.each<[string, () => Promise<void>]>([
    ["content", () => write("agent/main.ts", "two")],
    ["a new file", () => write("agent/empty", "")],
    ["the executable bit", () => chmod(path.join(folder, "main.ts"), 0o755)],
    [
      "the start command",
      () => write("agent/package.json", '{"name":"agent","switchyard":{"image":{"start":["node","x"]}}}'),
    ],
  ])("has another digest after a change of %s", async (_what, change) => {
    const first = await build();
    await change();
    expect((await build()).image).not.toBe(first.image);
  });

  it("can be built by several at once", async () => {
    const images = await Promise.all(Array.from({ length: 8 }, build));
    expect(new Set(images.map(({ image }) => image)).size).toBe(1);
    expect(await readdir(path.join(imagesDirectory, "agent"))).toHaveLength(1);
  });

  it("keeps symbolic links inside the folder", async () => {
    await symlink("main.ts", path.join(folder, "start.ts"));
    const image = await build();
    expect(await readFile(path.join(image.directory, "rootfs/start.ts"), "utf8")).toBe("one");
  });
});

describe("an image over a base", () => {
  beforeEach(async () => {
    await write("bad/package.json", JSON.stringify({ name: "agent-bad", switchyard: { image: { from: "../agent" } } }));
    await write("bad/main.ts", "bad");
    await write("agent/lib.ts", "lib");
  });
  const buildBad = () => buildImage({ folder: path.join(root, "source/bad"), imagesDirectory });

  it("has the base's files and start command where it has none of its own", async () => {
    const image = await buildBad();
    const { rootfs, start } = await openRegistry(imagesDirectory).resolve(image.image);
    expect(image.name).toBe("agent-bad");
    expect(start).toEqual(["node", "main.ts"]);
    expect(await readFile(path.join(rootfs, "lib.ts"), "utf8")).toBe("lib");
    expect(await readFile(path.join(rootfs, "main.ts"), "utf8")).toBe("bad");
  });

  it("has another digest when a file of the base changes, even one that it replaces", async () => {
    const first = await buildBad();
    await write("agent/main.ts", "two");
    expect((await buildBad()).image).not.toBe(first.image);
  });

  it("is refused when a file lies where the base has a folder", async () => {
    await write("agent/lib/deep.ts", "deep");
    await write("bad/lib", "file");
    await expect(buildBad()).rejects.toThrow(/lib is a file here or in its base, and a folder in the other/);
  });

  it("is refused when the bases form a circle", async () => {
    await write("agent/package.json", JSON.stringify({ switchyard: { image: { from: "../bad" } } }));
    await expect(buildBad()).rejects.toThrow(/its bases form a circle/);
  });
});

describe("a folder that is no image", () => {
  it.each<[string, RegExp, () => Promise<void>]>([
    ["has no package.json", /package\.json.*there is no such file/, () => rm(path.join(folder, "package.json"))],
    ["has a package.json that is not JSON", /it is not JSON/, () => write("agent/package.json", "{")],
    ["names no start command", /it names no start command; add/, () => write("agent/package.json", '{"name":"agent"}')],
    [
      "has a start command that is not a list",
      /switchyard\.image\.start: .*expected array/,
      () => write("agent/package.json", '{"switchyard":{"image":{"start":"node main.ts"}}}'),
    ],
    [
      "has a name that images cannot have",
      /'My Agent' is not an image name/,
      () => write("agent/package.json", '{"name":"My Agent"}'),
    ],
    ["links to the outside", /symbolic link that leaves the folder/, () => symlink("../..", path.join(folder, "out"))],
    ["links to what is left out", /not there or left out/, () => symlink("node_modules/x", path.join(folder, "x"))],
  ])("%s", async (_what, message, change) => {
    await change();
    const error: unknown = await build().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ImageInvalidError);
    expect(String(error)).toMatch(message);
    await expect(readdir(imagesDirectory)).rejects.toThrow(/ENOENT/);
  });
});

describe("the registry", () => {
  it("names the image that it has not and the command that builds it", async () => {
    const image = `agent@sha256:${"0".repeat(64)}`;
    const error: unknown = await openRegistry(imagesDirectory)
      .resolve(image)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ImageNotFoundError);
    expect(String(error)).toContain(image);
    expect(String(error)).toContain("switchyard image build");
  });

  it.each(["agent", "agent:latest", "../../etc@sha256:0", `../x@sha256:${"0".repeat(64)}`])(
    "refuses the form of '%s'",
    async (image) => {
      await expect(openRegistry(imagesDirectory).resolve(image)).rejects.toThrow(/takes images as <name>@sha256/);
    },
  );

  it("refuses a snapshot whose manifest is damaged", async () => {
    const image = await build();
    await writeFile(path.join(image.directory, "image.json"), "{}");
    await expect(openRegistry(imagesDirectory).resolve(image.image)).rejects.toThrow(/is damaged; delete the folder/);
  });
});
