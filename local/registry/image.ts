import { createHash, randomUUID } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { ImageInvalidError } from "./image-error.ts";
import { type ImageFile, readImageFiles } from "./image-files.ts";
import { type ImageManifest, imagePackageSchema, isImageName } from "./image-manifest.ts";

export { ImageInvalidError };

export interface BuildImageOptions {
  /** The folder with the package.json. */
  readonly folder: string;
  /** Usually `<root>/.switchyard/images`; made if it is not there. */
  readonly imagesDirectory: string;
}

export interface LocalImage {
  /** `<name>@sha256:<digest>`, the string that `image` settings take. */
  readonly image: string;
  readonly name: string;
  /** `sha256:<64 hex>` */
  readonly digest: string;
  /** The snapshot: `image.json` and `rootfs/`. */
  readonly directory: string;
  /** Paths relative to `rootfs/`, sorted. */
  readonly files: readonly string[];
}

interface ImageSource {
  readonly name: string;
  readonly start: readonly string[] | undefined;
  readonly baseDigest: string | undefined;
  readonly files: readonly ImageFile[];
}

/**
 * Makes a content-addressed snapshot of a folder. The digest covers the files (path, executable or not, content), the start command
 * and the base's digest, so equal sources give the same image and a second build changes nothing. Two builders at once are fine.
 * Packages of npm are not part of it: a snapshot below the checkout finds them by Node's own lookup in the parent folders.
 * Errors: ImageInvalidError.
 */
export async function buildImage({ folder, imagesDirectory }: BuildImageOptions): Promise<LocalImage> {
  const source = await readSource(path.resolve(folder), []);
  if (source.start === undefined) {
    throw new ImageInvalidError(
      path.join(path.resolve(folder), "package.json"),
      'it names no start command; add "switchyard": {"image": {"start": ["node", "main.ts"]}}',
    );
  }
  const hex = digestOf(source.start, source);
  const manifest: ImageManifest = {
    version: 1,
    name: source.name,
    digest: `sha256:${hex}`,
    start: [...source.start],
    ...(source.baseDigest === undefined ? {} : { base: source.baseDigest }),
    files: source.files.map(({ path, kind, sha256 }) => ({ path, kind, sha256 })),
  };
  const directory = path.join(path.resolve(imagesDirectory), source.name, hex);
  if (!(await exists(path.join(directory, "image.json")))) await writeSnapshot(directory, manifest, source.files);
  return {
    image: `${manifest.name}@${manifest.digest}`,
    name: manifest.name,
    digest: manifest.digest,
    directory,
    files: source.files.map((file) => file.path),
  };
}

async function readSource(folder: string, above: readonly string[]): Promise<ImageSource> {
  if (above.includes(folder)) {
    throw new ImageInvalidError(folder, `its bases form a circle: ${[...above, folder].join(" -> ")}`);
  }
  const packagePath = path.join(folder, "package.json");
  const declared = await readPackage(packagePath);
  const settings = declared.switchyard?.image ?? {};
  const name = (declared.name ?? path.basename(folder)).replace(/^@/, "");
  if (!isImageName(name)) {
    throw new ImageInvalidError(packagePath, `'${name}' is not an image name (lower-case letters, digits, . _ - /)`);
  }
  const own = await readImageFiles(folder);
  if (settings.from === undefined) return { name, start: settings.start, baseDigest: undefined, files: own };
  const base = await readSource(path.resolve(folder, settings.from), [...above, folder]);
  const merged = new Map([...base.files, ...own].map((file) => [file.path, file]));
  for (const file of merged.keys()) {
    for (let above = path.posix.dirname(file); above !== "."; above = path.posix.dirname(above)) {
      if (merged.has(above))
        throw new ImageInvalidError(folder, `${above} is a file here or in its base, and a folder in the other`);
    }
  }
  return {
    name,
    start: settings.start ?? base.start,
    baseDigest: `sha256:${digestOf(base.start ?? [], base)}`,
    files: [...merged.values()].sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

async function readPackage(packagePath: string): Promise<z.infer<typeof imagePackageSchema>> {
  let text: string;
  try {
    text = await readFile(packagePath, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw new ImageInvalidError(packagePath, "there is no such file", error);
    throw new ImageInvalidError(packagePath, "it cannot be read", error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ImageInvalidError(
      packagePath,
      `it is not JSON (${error instanceof Error ? error.message : error})`,
      error,
    );
  }
  const parsed = imagePackageSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${z.core.toDotPath(issue.path)}: ${issue.message}`);
    throw new ImageInvalidError(packagePath, problems.join("; "), parsed.error);
  }
  return parsed.data;
}

function digestOf(start: readonly string[], source: Omit<ImageSource, "start">): string {
  const facts = [
    "switchyard-image-1",
    source.baseDigest ?? null,
    start,
    source.files.map(({ path, kind, sha256 }) => [path, kind, sha256]),
  ];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

async function writeSnapshot(directory: string, manifest: ImageManifest, files: readonly ImageFile[]): Promise<void> {
  const temporary = `${directory}.${randomUUID()}.tmp`;
  try {
    await mkdir(path.join(temporary, "rootfs"), { recursive: true });
    for (const file of files) {
      const target = path.join(temporary, "rootfs", file.path);
      await mkdir(path.dirname(target), { recursive: true });
      if (file.kind === "link") await symlink(file.content.toString(), target);
      else {
        await writeFile(target, file.content);
        // Instances share the snapshot, so none may write to it.
        await chmod(target, file.kind === "executable" ? 0o555 : 0o444);
      }
    }
    await writeFile(path.join(temporary, "image.json"), `${JSON.stringify(manifest, null, 2)}\n`);
    await rename(temporary, directory);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // Another builder was first; its snapshot has the same content.
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
