import { z } from "zod";

const startSchema = z.array(z.string().min(1)).min(1);

/** What `image.json` beside a snapshot's `rootfs` says. */
export const imageManifestSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  digest: z.string(),
  start: startSchema,
  /** Digest of the image that this one lies over. */
  base: z.string().optional(),
  files: z.array(
    z.strictObject({
      path: z.string(),
      kind: z.enum(["file", "executable", "link"]),
      sha256: z.string(),
    }),
  ),
});

export type ImageManifest = z.infer<typeof imageManifestSchema>;

/** The part of a package.json that an image is made of. */
export const imagePackageSchema = z.looseObject({
  name: z.string().optional(),
  switchyard: z
    .looseObject({
      image: z
        .strictObject({
          /** Start command, run in the snapshot's root. An image over a base takes the base's if it has none. */
          start: startSchema.optional(),
          /** Folder of the image below, relative to this one; files of the same path replace the base's. */
          from: z.string().min(1).optional(),
        })
        .optional(),
    })
    .optional(),
});

const imagePattern = /^(?<name>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)@sha256:(?<hex>[0-9a-f]{64})$/;

/** Takes `<name>@sha256:<digest>` apart; undefined when it has not that form. */
export function parseImage(image: string): { readonly name: string; readonly hex: string } | undefined {
  const groups = imagePattern.exec(image)?.groups;
  const name = groups?.["name"];
  const hex = groups?.["hex"];
  return name === undefined || hex === undefined ? undefined : { name, hex };
}

/** Whether a name can be an image's: lower-case letters and digits, parts joined by `.`, `_`, `-` or `/`. */
export function isImageName(name: string): boolean {
  return parseImage(`${name}@sha256:${"0".repeat(64)}`) !== undefined;
}
