import { expect, it } from "vitest";
import type { Edited } from "../../../../automation/guard/edit/edit.ts";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { inventory } from "../../../../automation/guard/edit/inventory.ts";
import { revertEdits } from "../../../../automation/guard/edit/revert.ts";
import { revisionStep } from "../../../../automation/guard/edit/revision-step.ts";
import { moveSources } from "../../../../automation/guard/edit/sources.ts";
import { generate, type Random, seeded } from "./generated-repositories.ts";
import { applied, cluster, filesOf, type Texts } from "./repositories.ts";

const clusters = [cluster("one", "cluster")];
const step = { clusters, targets: ["one"], from: "1.30.5", to: "1.31.1" };
const bits = [
  "&a ",
  "*a",
  "? ",
  "[",
  "]",
  "{",
  "}",
  "---\n",
  "...\n",
  "!!int ",
  "\t",
  "|\n",
  ": ",
  "- ",
  "#",
  "\0",
].concat(["<<: *v\n", "~", "null", "\r", "'", '"', `\${x`, "%YAML 1.1\n", "&v ", "1.30.5", "gcr.io/istio-release"]);

const below = (random: Random, limit: number): number => Math.floor(random() * limit);

/** Something put in, cut out, or a line that stands there twice. */
function damaged(random: Random, text: string): string {
  const [place, way] = [below(random, text.length), random()];
  if (way < 0.5) return text.slice(0, place) + (bits[below(random, bits.length)] ?? "") + text.slice(place);
  if (way < 0.8) return text.slice(0, place) + text.slice(place + 1 + below(random, 20));
  const lines = text.split("\n");
  return lines.toSpliced(below(random, lines.length), 0, lines[below(random, lines.length)] ?? "").join("\n");
}

/** Whatever it did, it can take back; what it cannot do, it says. */
function goesBack(texts: Texts, edited: Edited): boolean {
  if (edited.kind === "refused") {
    for (const { what, why, fix } of edited.problems) expect([what, why, fix].every((text) => text !== "")).toBe(true);
    return false;
  }
  const now = applied(texts, edited);
  expect(applied(now, revertEdits(edited.edits, filesOf(now)))).toEqual(texts);
  return edited.edits.length > 0;
}

it("damaged files are edited whole or refused with reasons, and never end it", { timeout: 60_000 }, () => {
  const random = seeded(31);
  let [edits, refusals] = [0, 0];
  for (let index = 0; index < 300; index += 1) {
    const { before } = generate(random);
    const paths = Object.keys(before);
    const hit = paths[below(random, paths.length)];
    const texts: Texts = Object.fromEntries(
      Object.entries(before).map(([path, text]) => [path, path === hit ? damaged(random, text) : text]),
    );
    const files = filesOf(texts);
    if (goesBack(texts, editVersions({ files, ...step, components: ["istiod"] }))) edits += 1;
    else refusals += 1;
    goesBack(texts, revisionStep({ files, ...step, step: { kind: "new-revision" } }));
    goesBack(texts, moveSources({ files, clusters, targets: ["one"] }));
    expect(inventory(files, clusters)).toHaveLength(1);
  }
  expect(Math.min(edits, refusals)).toBeGreaterThan(50);
});
