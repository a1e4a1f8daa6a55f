import { expect, it } from "vitest";
import { editVersions } from "../../../../automation/guard/edit/edit-versions.ts";
import { revertEdits } from "../../../../automation/guard/edit/revert.ts";
import { components } from "../../../../automation/guard/rules/evidence.ts";
import { generate, seeded } from "./generated-repositories.ts";
import { applied, cluster, filesOf, type Texts } from "./repositories.ts";

const clusters = [cluster("one", "cluster")];
const step = { clusters, targets: ["one"], components, from: "1.30.5", to: "1.31.1" };

it("changes exactly the planned bytes of a thousand repositories in all shapes, and takes them back", {
  timeout: 120_000,
}, () => {
  const random = seeded(20_261_201);
  const seen = new Set<string>();
  for (let index = 0; index < 1_000; index += 1) {
    const { shape, before, after } = generate(random);
    seen.add(shape);
    const edited = editVersions({ files: filesOf(before), ...step });
    expect(applied(before, edited), `${index} ${shape}`).toEqual(after);
    if (edited.kind !== "edits") continue;
    if (index % 4 === 0)
      expect(editVersions({ files: filesOf(after), ...step }), "a second time").toMatchObject({ edits: [] });
    expect(applied(after, revertEdits(edited.edits, filesOf(after)))).toEqual(before);
    // Others have been there since: in front of, behind, and in lines of their own.
    const others = (texts: Texts): Texts =>
      Object.fromEntries(
        Object.entries(texts).map(([path, text]) => [
          path,
          path.endsWith("json")
            ? text
            : text.replace(/^\uFEFF?/, (mark) => `${mark}# new, 1.31.1\n`).concat("\n# later"),
        ]),
      );
    expect(applied(others(after), revertEdits(edited.edits, filesOf(others(after)))), `${index} ${shape}`).toEqual(
      others(before),
    );
  }
  expect(seen.size).toBe(17);
});
