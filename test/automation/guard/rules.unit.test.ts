import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge, laterStepRules, ruleBook, type Verdict } from "../../../automation/guard/rules/book.ts";
import { type SituationFile, situationFile } from "../../../automation/guard/rules/evidence.ts";
import { notesBetween, upgradeNotes } from "../../../automation/guard/rules/notes.ts";
import type { Level } from "../../../automation/guard/rules/rule.ts";
import { badInstallations } from "./corpus/bad-installations.ts";
import { badSurroundings } from "./corpus/bad-surroundings.ts";
import { goodCases } from "./corpus/good.ts";
import { facts, healthy, releaseOf } from "./corpus/healthy.ts";

const badCases = [...badInstallations, ...badSurroundings];

const verdictOf = (file: SituationFile): Verdict => judge(situationFile.parse(file));

const named = ({ findings }: Verdict, level: Level): readonly string[] => [
  ...new Set(findings.filter((one) => one.level === level).map(({ rule, check }) => `${rule} ${check}`)),
];

describe("the rule book", () => {
  test("has the rules 1 to 31, each with a title and a link", () => {
    expect(ruleBook.map(({ id }) => id)).toEqual(
      Array.from({ length: 31 }, (_, index) => `G${String(index + 1).padStart(2, "0")}`),
    );
    for (const { id, title, link, checks } of ruleBook) {
      expect(title.length, id).toBeGreaterThan(20);
      expect(link, id).toMatch(/^https:\/\//);
      expect(checks.length, id).toBeGreaterThan(0);
    }
  });

  test("gives each check one name", () => {
    for (const { id, checks } of ruleBook) expect(new Set(checks.map(({ name }) => name)).size, id).toBe(checks.length);
  });
});

test("every check of the book speaks in some upgrade of the corpus", () => {
  const spoken = new Set(
    [...badCases, ...goodCases].flatMap(({ situation }) =>
      verdictOf(situation).findings.map(({ rule, check }) => `${rule} ${check}`),
    ),
  );
  const all = ruleBook.flatMap(({ id, checks }) => checks.map(({ name }) => `${id} ${name}`));
  expect(all.filter((one) => !spoken.has(one))).toEqual([]);
});

describe("known-bad upgrades", () => {
  test.each(badCases)("$blockedBy: $name", ({ situation, blockedBy }) => {
    const verdict = verdictOf(situation);
    expect(named(verdict, "block")).toEqual(blockedBy);
    expect(verdict.kind).toBe("blocked");
    expect(named(verdict, "undecided")).toEqual([]);
  });

  test("are at least 60, each once, and every rule blocks one", () => {
    expect(badCases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(badCases.map(({ name }) => name)).size).toBe(badCases.length);
    const met = new Set(badCases.flatMap(({ blockedBy }) => blockedBy.map((one) => one.slice(0, 3))));
    expect([...met].toSorted()).toEqual(ruleBook.map(({ id }) => id));
  });

  test("say what, why, what to do and where to read, in a line each", () => {
    for (const { situation } of badCases)
      for (const finding of verdictOf(situation).findings) {
        const texts = [finding.subject, finding.evidence, finding.fix, finding.link];
        expect(texts.every((text) => text !== "" && !text.includes("\n") && text.length < 300)).toBe(true);
        expect(texts.join(" ")).not.toMatch(/undefined|NaN|\[object/);
      }
  });
});

describe("good upgrades", () => {
  test.each(goodCases)("$name", ({ situation, warns, manual }) => {
    const verdict = verdictOf(situation);
    expect(named(verdict, "block")).toEqual([]);
    expect(named(verdict, "undecided")).toEqual([]);
    expect(verdict.kind).toBe("passed");
    expect(named(verdict, "warn").toSorted()).toEqual(warns.toSorted());
    expect(named(verdict, "manual").toSorted()).toEqual(manual.toSorted());
  });

  test("are at least 60, each once", () => {
    expect(goodCases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(goodCases.map(({ name }) => name)).size).toBe(goodCases.length);
  });
});

/** Every section, in all of which something is looked at by a hop in place over 1.29 or one by revision. */
const sections = Object.keys(situationFile.shape.evidence.shape).map((name) =>
  situationFile.shape.evidence.keyof().parse(name),
);

const without = (file: SituationFile, gone: readonly string[]): SituationFile =>
  ({
    ...file,
    evidence: Object.fromEntries(Object.entries(file.evidence).filter(([name]) => !gone.includes(name))),
  }) satisfies SituationFile;

describe("evidence that is not there", () => {
  test.each(sections)("%s: undecided, never passed", (section) => {
    const verdict = verdictOf(without(healthy({ strategy: "revision" }), [section]));
    expect(verdict.kind).toBe("undecided");
    expect(
      verdict.findings.some(({ level, evidence }) => level === "undecided" && /not collected/.test(evidence)),
    ).toBe(true);
  });

  test("nothing at all leaves only the rules that need nothing", () => {
    const verdict = verdictOf(without(healthy(), sections));
    expect(verdict.kind).toBe("undecided");
    expect(named(verdict, "block")).toEqual([]);
  });

  test("never turns a blocked or undecided upgrade into a passed one", () => {
    fc.assert(
      fc.property(fc.constantFrom(...badCases), fc.subarray(sections), (known, gone) => {
        expect(verdictOf(without(known.situation, gone)).kind).not.toBe("passed");
      }),
    );
  });

  test("each missing fact of a note leaves the note undecided", () => {
    for (const note of upgradeNotes.filter(({ minor }) => minor === "1.31"))
      for (const fact of note.needs) {
        const file = healthy({}, ({ mesh }) => ({
          mesh: Object.fromEntries(Object.entries(mesh).filter(([name]) => name !== fact)),
        }));
        const said = verdictOf(file).findings.filter(({ evidence }) => evidence.startsWith(`${note.id}:`));
        expect(
          said.map(({ level }) => level),
          `${note.id} without ${fact}`,
        ).toEqual(["undecided"]);
      }
  });

  test("an EnvoyFilter whose pattern cannot be read is undecided", () => {
    const verdict = verdictOf(
      healthy({}, () => ({ envoyFilters: [{ name: "shop/lua", proxyVersions: ["(?P<v>1"] }] })),
    );
    expect(named(verdict, "undecided")).toEqual(["G17 envoy-filter-misses"]);
  });

  test("an artifact that nobody looked for is undecided", () => {
    const verdict = verdictOf(healthy({}, ({ artifacts }) => ({ artifacts: artifacts.slice(1) })));
    expect(named(verdict, "undecided")).toEqual(["G05 artifact-missing"]);
  });
});

describe("the upgrade notes", () => {
  test("are at least 25 for 1.27 to 1.31, each with a detector or for a person", () => {
    expect(upgradeNotes.length).toBeGreaterThanOrEqual(25);
    expect(new Set(upgradeNotes.map(({ id }) => id)).size).toBe(upgradeNotes.length);
    for (const { id, minor } of upgradeNotes) expect(id.startsWith(`${minor}-`)).toBe(true);
    expect([...new Set(upgradeNotes.map(({ minor }) => minor))]).toEqual(["1.27", "1.28", "1.29", "1.30", "1.31"]);
  });

  test("are those of the minors that are crossed", () => {
    expect([...new Set(notesBetween("1.28", "1.30").map(({ minor }) => minor))]).toEqual(["1.29", "1.30"]);
    expect(notesBetween("1.30", "1.30")).toEqual([]);
    expect(notesBetween("1.31", "1.30")).toEqual([]);
  });

  const touching = {
    "1.27": ["1.26.8", "1.27.7"],
    "1.28": ["1.27.7", "1.28.6"],
    "1.29": ["1.28.6", "1.29.8"],
    "1.30": ["1.29.8", "1.30.5"],
    "1.31": ["1.30.5", "1.31.1"],
  } as const;

  test("every detector finds what it is for, and says nothing of a mesh without it", () => {
    const affected: NonNullable<SituationFile["evidence"]["mesh"]> = {
      istiodEnv: {
        METRIC_ROTATION_INTERVAL: "1h",
        PILOT_ENABLE_NODE_UNTAINT_CONTROLLERS: "true",
        PILOT_SPAWN_UPSTREAM_SPAN_FOR_GATEWAY: "false",
        AMBIENT_ENABLE_DRY_RUN_AUTHORIZATION_POLICY: "true",
      },
      telemetryProviders: [{ name: "oc", kind: "opencensus" }],
      podAnnotations: ["sidecar.istio.io/statsCompression"],
      podWebhooks: ["vault-agent-injector"],
      bundledDashboards: ["istio-mesh"],
      storedApis: [
        "inference.networking.x-k8s.io/v1alpha2 InferencePool",
        "gateway.networking.k8s.io/v1alpha3 BackendTLSPolicy",
      ],
      serviceEntriesWithoutResolution: ["shop/external"],
      dryRunPolicies: ["shop/try"],
      debugClients: ["kiali"],
      plaintextXdsClients: ["tool"],
      remainingMetricReaders: ["dashboard breakers"],
      ambientPodsWithoutDns: ["shop/cart"],
      cniExcludedNamespaces: ["shop"],
      ambientNamespaces: ["shop"],
      cniConfigReaders: ["node-audit"],
      hostsInTwoNamespaces: ["db.example.com"],
      servicesWithoutMinHealth: ["shop/cart"],
      unlabelledWorkloadEntries: ["shop/vm-1"],
      ambientWorkloads: 50_000,
      apiGeneratorClients: ["mcp"],
      gatewaysMergedAcrossNamespaces: ["shop/public"],
    };
    for (const note of upgradeNotes.filter(({ needs }) => needs.length > 0)) {
      const [from, to] = touching[note.minor as keyof typeof touching];
      const said = (file: SituationFile): readonly Level[] =>
        verdictOf(file)
          .findings.filter(({ evidence }) => evidence.startsWith(`${note.id}:`))
          .map(({ level }) => level);
      expect(said(healthy({ from, to, final: false }, facts(affected))), note.id).toEqual([note.level]);
      expect(said(healthy({ from, to, final: false })), note.id).toEqual([]);
      const [variable, value] = note.switchedOffBy ?? [];
      if (variable === undefined || value === undefined) continue;
      const off = { ...affected, istiodEnv: { ...affected.istiodEnv, [variable]: value } };
      expect(said(healthy({ from, to, final: false }, facts(off))), `${note.id} off`).toEqual([]);
    }
  });
});

describe("the border", () => {
  test.each([
    [
      "a version that YAML read as a number",
      { ...healthy(), hop: { ...healthy().hop, to: 1.3 } },
      /must be text in quotes/,
    ],
    ["a version without a patch", healthy({ to: "1.31" }), /"1\.31" is no whole version, for example 1\.31\.1/],
    ["a field that nobody knows", { ...healthy(), clusters: 3 }, /clusters/],
    ["a time without an offset", healthy({ at: "2026-11-30T10:00:00" }), /at/],
  ])("refuses %s", (_, file, message) => {
    const result = situationFile.safeParse(file);
    expect(result.success).toBe(false);
    expect(result.error?.issues.map((one) => `${one.path.join(".")} ${one.message}`).join("\n")).toMatch(message);
  });

  test("findings are ordered, the worst first", () => {
    const { findings } = verdictOf(
      healthy(
        { from: "1.28.6", to: "1.29.8" },
        releaseOf("istiod", { remediationRetries: 1, retryOnFailure: false, chartVersion: "*" }),
      ),
    );
    expect([...new Set(findings.map(({ level }) => level))]).toEqual(["block", "warn", "manual"]);
  });
});

describe("the rules of a further step", () => {
  test("are of the book, and none is about leaving the old version", () => {
    const known = ruleBook.map(({ id }) => id);
    expect(laterStepRules.filter((id) => !known.includes(id))).toEqual([]);
    expect(laterStepRules).not.toContain("G01");
  });
});
