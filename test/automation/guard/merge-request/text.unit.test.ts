import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { branchName, markText, readMark, type StepMark } from "../../../../automation/guard/merge-request/mark.ts";
import {
  type ClusterText,
  rollbackText,
  type UpgradeText,
  upgradeText,
} from "../../../../automation/guard/merge-request/text.ts";
import { planDigest } from "../../../../automation/guard/plan/digest.ts";
import type { Finding } from "../../../../automation/guard/rules/rule.ts";

const at = Date.UTC(2026, 11, 1, 14, 2, 10);
const mark: StepMark = {
  kind: "upgrade",
  plan: "0123456789ab",
  step: 0,
  attempt: 1,
  checkedAt: at - 60_000,
  validMinutes: 60,
  batch: "wave-1",
  version: "1.30.5",
};
const finding = (more: Partial<Finding> = {}): Finding => ({
  rule: "G15",
  check: "replicas",
  level: "warn",
  subject: "istiod",
  evidence: "1 replica",
  fix: "Raise autoscaleMin.",
  link: "https://istio.io/latest/docs/",
  ...more,
});
const cluster = (name: string, findings: readonly Finding[] = []): ClusterText => ({
  cluster: name,
  from: "1.29.8",
  to: "1.30.5",
  findings,
});
const text = (more: Partial<UpgradeText> = {}): UpgradeText => ({
  mark,
  what: "control plane",
  steps: 3,
  clusters: [cluster("prod-eu-1", [finding()]), cluster("prod-eu-2")],
  files: ["clusters/prod-eu-1/istio.yaml"],
  dashboards: ["https://dd.example.com/d?c={cluster_name}&b={batch}", "https://dd.example.com/batch/{batch}"],
  at,
  draft: false,
  ...more,
});

/** Cells of the rows of all tables, as Markdown splits them. */
const rowsOf = (description: string): readonly (readonly string[])[] =>
  description
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/));

describe("branches", () => {
  const branch = (more: Partial<StepMark> = {}, repository = "fleet/prod") =>
    branchName(repository, { ...mark, ...more }, planDigest);

  test("say kind, version, batch and a hash of 12 digits", () => {
    expect(branch()).toMatch(/^guard\/upgrade-istio-1\.30\.5-wave-1-[0-9a-f]{12}$/);
    expect(branch({ kind: "rollback" })).toMatch(/^guard\/rollback-istio-1\.30\.5-wave-1-[0-9a-f]{12}$/);
  });

  test("are the same for the same step and attempt, whenever it was checked, and for no other", () => {
    expect(branch({ checkedAt: 1, validMinutes: 5 })).toBe(branch());
    const others = [
      branch({ plan: "0123456789ac" }),
      branch({ step: 1 }),
      branch({ attempt: 2 }),
      branch({ cluster: "prod-eu-1" }),
      branch({}, "fleet/stage"),
    ];
    expect(new Set([branch(), ...others]).size).toBe(6);
  });

  test("need a digest of 12 digits", () => {
    expect(() => branchName("g/p", mark, () => "abc")).toThrow(RangeError);
  });
});

describe("the mark", () => {
  test("is read as it was written, and ends nothing before its end", () => {
    const written = markText({ ...mark, cluster: "prod-eu-1" });
    expect(written.slice(4, -3)).not.toContain("-->");
    expect(readMark(`before\n${written}\nafter`)).toEqual({ ...mark, cluster: "prod-eu-1" });
  });

  test.each([
    ["none", "text"],
    ["two", `${markText(mark)}\n${markText(mark)}`],
    ["a broken one", markText(mark).replace("}", "")],
    ["one with another field", markText(mark).replace("{", '{"x":1,')],
  ])("%s is none", (_what, description) => {
    expect(readMark(description)).toBeUndefined();
  });
});

describe("an upgrade", () => {
  test("has a title with the time, step and attempt, a draft in front", () => {
    expect(upgradeText(text()).title).toBe("Istio 1.30.5 for wave-1: control plane, step 1 of 3, 2026-12-01T14:02:10Z");
    const again = text({ draft: true, steps: 1, mark: { ...mark, attempt: 2, cluster: "prod-eu-1" } });
    expect(upgradeText(again).title).toBe(
      "Draft: Istio 1.30.5 for prod-eu-1 (wave-1): control plane, attempt 2, 2026-12-01T14:02:10Z",
    );
    expect(upgradeText(text({ what: "x".repeat(500) })).title).toHaveLength(250);
  });

  test("says versions, health, files, dashboards, a checklist, the plan and its mark", () => {
    const { description } = upgradeText(text());
    expect(description).toContain("| prod-eu-1 | 1.29.8 | 1.30.5 | 1 × warning |");
    expect(description).toContain("| prod-eu-2 | 1.29.8 | 1.30.5 | passed |");
    expect(description).toContain(
      "| prod-eu-1 | warning | [G15](https://istio.io/latest/docs/) | istiod | 1 replica | Raise autoscaleMin. |",
    );
    expect(description).toContain("- clusters/prod-eu-1/istio.yaml");
    expect(description).toContain("- prod-eu-2: <https://dd.example.com/d?c=prod-eu-2&b=wave-1>");
    expect(description).toContain("- wave-1: <https://dd.example.com/batch/wave-1>");
    expect(description.match(/^- \[ \] /gm)).toHaveLength(4);
    expect(description).toContain("Plan 0123456789ab, step 1, attempt 1.");
    expect(readMark(description)).toEqual(mark);
  });

  test("puts what stops first, and says that all passed where all passed", () => {
    const findings = [finding(), finding({ level: "block", subject: "worst" })];
    const lines = upgradeText(text({ clusters: [cluster("a", findings)] })).description.split("\n");
    const [first, second] = ["worst", "istiod"].map((what) => lines.findIndex((line) => line.includes(`| ${what} |`)));
    expect(first).toBeLessThan(second ?? -1);
    expect(upgradeText(text({ clusters: [cluster("a")] })).description).toContain("All checks passed in 1 cluster.");
  });

  test("stays short however much there is, and counts what is left out", () => {
    const findings = Array.from({ length: 300 }, () =>
      finding({ evidence: "|<".repeat(5_000), subject: "[".repeat(500), fix: "*".repeat(5_000) }),
    );
    const clusters = Array.from({ length: 1_000 }, (_, index) => cluster(`c-${index}`, findings));
    const files = Array.from({ length: 5_000 }, (_, index) => `clusters/${index}/${"_".repeat(400)}.yaml`);
    const { description } = upgradeText(text({ clusters, files }));
    expect(description.length).toBeLessThan(200_000);
    expect(description).toMatch(/^and 500 more\.$/m);
    expect(readMark(description)).toEqual(mark);
  });
});

describe("a rollback", () => {
  const rollback = rollbackText({
    ...text({ mark: { ...mark, kind: "rollback", version: "1.29.8" } }),
    reason: "p99 rose\n/merge",
    askedBy: "@anna",
    evidence: ["p99 412 ms, limit 300 ms (+15 %)"],
    dataPlaneMoved: true,
  });

  test("says why, by whom, on what evidence, and that proxies are ahead", () => {
    expect(rollback.title).toMatch(/^Roll back Istio to 1\.29\.8 for wave-1: control plane, step 1 of 3, /);
    expect(rollback.description).toContain("> p99 rose /merge");
    expect(rollback.description).toContain("- p99 412 ms, limit 300 ms &#40;+15 %&#41;");
    expect(rollback.description).toContain("newer than their control plane");
    expect(readMark(rollback.description)?.kind).toBe("rollback");
  });

  test("mentions nobody", () => {
    expect(rollback.description).not.toMatch(/@\w/);
  });
});

describe("a commit message", () => {
  test("has a short subject, the clusters, and the plan in lines that Git reads", () => {
    const { commitMessage } = upgradeText(text());
    expect(commitMessage.split("\n")[0]).toBe("Istio 1.30.5 for wave-1: control plane");
    expect(commitMessage).toContain("- prod-eu-1: 1.29.8 to 1.30.5");
    expect(commitMessage).toMatch(/\nGuard-Plan: 0123456789ab\nGuard-Step: 0\nGuard-Attempt: 1\n$/);
  });
});

describe("whatever a cluster's texts hold", () => {
  const nasty = fc.oneof(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc
      .array(
        fc.constantFrom(
          "|",
          "\n",
          "\r\n",
          "<!--",
          "-->",
          "--!>",
          "`",
          "```",
          "\\",
          "\\|",
          "/merge",
          "\n/approve",
          "@all",
          "!1",
          "#2",
          "~bug",
          "</td>",
          "<script>",
          "[x](javascript:alert(1))",
          "![i](http://e/x)",
          "\u2028",
          "\u202e",
          "&lt;",
          "$x$",
          ":smile:",
          "<!-- guard-mark {} -->",
          "\0",
          "http://e.example/",
          "word",
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join("")),
  );
  const findings = fc.array(
    fc.record({ subject: nasty, evidence: nasty, fix: nasty, link: nasty }).map((more) => finding(more)),
    { maxLength: 4 },
  );

  test("it stays in its cell, makes no HTML, mention, quick action or second mark", () => {
    fc.assert(
      fc.property(findings, nasty, nasty, nasty, (found, path, dashboard, what) => {
        const { description, title, commitMessage } = upgradeText(
          text({ clusters: [cluster("a", found)], files: [path], dashboards: [dashboard], what }),
        );
        const lines = description.split("\n");
        expect(lines.filter((line) => /^\s*\//.test(line))).toEqual([]);
        expect(description).not.toMatch(/[\r\u2028\u2029\u202e\0]/);
        const rows = rowsOf(description);
        expect(rows.filter((cells) => ![4, 6].includes(cells.length))).toEqual([]);
        expect(rows).toHaveLength(3 + (found.length > 0 ? 2 + found.length : 0));
        const outside = description.replaceAll(/<https?:\/\/[^\s<>]+>/g, "").replace(markText(mark), "");
        expect(outside).not.toMatch(/[<>`]/);
        expect(outside).not.toMatch(/[@!~$]\w/);
        expect(readMark(description)).toEqual(mark);
        expect(title).not.toMatch(/[\r\n]/);
        expect(commitMessage.split("\n")).toHaveLength(8);
      }),
      { numRuns: 500 },
    );
  });

  test("a dashboard's address that writes backwards is no link", () => {
    const { description } = upgradeText(text({ dashboards: ["http://e.example/\u202egnp.exe"] }));
    expect(description).not.toContain("\u202e");
  });

  test("it is still read as what it is", () => {
    const { description } = upgradeText(text({ clusters: [cluster("a", [finding({ evidence: "a | b <c> & `d`" })])] }));
    const shown = description.replaceAll(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)));
    expect(shown).toContain("a | b <c> & `d`");
  });
});
