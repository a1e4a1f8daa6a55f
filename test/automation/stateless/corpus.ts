/** The labelled manifests, for every use of the rules. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { type Manifests, readManifests } from "../../../automation/stateless/manifests.ts";

const folder = join(import.meta.dirname, "..", "..", "fixtures", "manifests");

const labels = z.record(
  z.string(),
  z.union([
    z.strictObject({ class: z.literal("stateless"), near: z.string().min(10) }),
    z.strictObject({
      class: z.enum(["cache-only", "session-bound", "stateful", "cannot-tell"]),
      rules: z.array(z.string()).min(1),
    }),
  ]),
);

export interface LabelledManifest {
  readonly file: string;
  /** The verdict that a person gave. */
  readonly class: string;
  /** Ids of the rules that have to find something, sorted. */
  readonly rules: readonly string[];
  readonly text: string;
  readonly manifests: Manifests;
}

/** All of them, as labels.yaml has them. */
export async function readCorpus(): Promise<readonly LabelledManifest[]> {
  const labelled = labels.parse(parse(await readFile(join(folder, "labels.yaml"), "utf8")));
  return Promise.all(
    Object.entries(labelled).map(async ([file, label]) => {
      const text = await readFile(join(folder, file), "utf8");
      const rules = "rules" in label ? label.rules.toSorted() : [];
      return { file, class: label.class, rules, text, manifests: readManifests([{ file, text, named: true }]) };
    }),
  );
}

/** Files of the corpus on the disk, without the labels. */
export async function corpusFiles(): Promise<readonly string[]> {
  const all = await readdir(folder, { recursive: true });
  return all.filter((name) => /\.(ya?ml|json)$/.test(name) && name !== "labels.yaml").toSorted();
}
