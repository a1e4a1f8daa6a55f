import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** The version in package.json, found upwards so that it works from source and from dist. */
export const version: string = readVersion(import.meta.dirname);

function readVersion(folder: string): string {
  let text: string;
  try {
    text = readFileSync(join(folder, "package.json"), "utf8");
  } catch (error) {
    const parent = join(folder, "..");
    if (error instanceof Error && "code" in error && error.code === "ENOENT" && parent !== folder)
      return readVersion(parent);
    throw error;
  }
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}
