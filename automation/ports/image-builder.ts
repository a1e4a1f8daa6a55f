export interface BuiltImage {
  /** `<name>@sha256:<digest>`, the string that `image` settings take. */
  readonly image: string;
  readonly name: string;
  readonly digest: string;
}

export interface ImageBuilder {
  /** Builds the folder's image where the environment's platforms can pull it. Errors: image-invalid, image-registry-missing. */
  build(folder: string): Promise<BuiltImage>;
}
