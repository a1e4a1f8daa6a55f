import { readFile } from "node:fs/promises";
import path from "node:path";
import { ImageNotFoundError } from "./image-error.ts";
import { imageManifestSchema, parseImage } from "./image-manifest.ts";

export interface ResolvedImage {
  /** Folder of the image's files; shared by all instances, so read-only. */
  readonly rootfs: string;
  readonly start: readonly string[];
}

export interface Registry {
  /** Errors: ImageNotFoundError. */
  resolve(image: string): Promise<ResolvedImage>;
}

/** Reads the snapshots that `buildImage` wrote to the folder, which need not exist yet. */
export function openRegistry(imagesDirectory: string): Registry {
  return {
    async resolve(image) {
      const parsed = parseImage(image);
      if (parsed === undefined) {
        throw new ImageNotFoundError(image, "the local cloud takes images as <name>@sha256:<64 hex digits>");
      }
      const directory = path.join(path.resolve(imagesDirectory), parsed.name, parsed.hex);
      const manifest = imageManifestSchema.safeParse(await readManifest(image, directory, imagesDirectory));
      if (!manifest.success || manifest.data.digest !== `sha256:${parsed.hex}`) {
        throw new ImageNotFoundError(
          image,
          `${path.join(directory, "image.json")} is damaged; delete the folder`,
          manifest.error,
        );
      }
      return { rootfs: path.join(directory, "rootfs"), start: manifest.data.start };
    },
  };
}

async function readManifest(image: string, directory: string, imagesDirectory: string): Promise<unknown> {
  const file = path.join(directory, "image.json");
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new ImageNotFoundError(image, `the local registry (${imagesDirectory}) does not have it`, error);
    }
    throw error;
  }
}
