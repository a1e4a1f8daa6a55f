import { join } from "node:path";
import { SwitchyardError } from "../errors.ts";

/** Builds a folder into the local registry of the root. Errors: image-invalid. */
export async function buildLocalImage(root: string, folder: string): Promise<string> {
  const { buildImage, ImageInvalidError } = await import("../../local/registry/image.ts");
  try {
    const built = await buildImage({
      folder,
      imagesDirectory: join(root, ".switchyard", "images"),
    });
    return built.image;
  } catch (error) {
    if (!(error instanceof ImageInvalidError)) throw error;
    throw new SwitchyardError("image-invalid", { message: error.message, cause: error });
  }
}
