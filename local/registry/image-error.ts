/** A folder cannot become an image. Nothing was written. */
export class ImageInvalidError extends Error {
  /** The file or folder at fault. */
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`${path} cannot be made into an image: ${reason}.`, cause === undefined ? undefined : { cause });
    this.name = "ImageInvalidError";
    this.path = path;
    this.reason = reason;
  }
}

/** An image is asked for that the local registry does not have. */
export class ImageNotFoundError extends Error {
  readonly image: string;

  constructor(image: string, reason: string, cause?: unknown) {
    super(
      `Image '${image}' not found: ${reason}. Build it from its folder with: switchyard image build <folder>`,
      cause === undefined ? undefined : { cause },
    );
    this.name = "ImageNotFoundError";
    this.image = image;
  }
}
