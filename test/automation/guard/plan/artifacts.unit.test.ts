import { describe, expect, test } from "vitest";
import {
  artifactSection,
  artifactsOf,
  type Looked,
  lookForArtifacts,
} from "../../../../automation/guard/plan/artifacts.ts";
import { parseVersion } from "../../../../automation/guard/plan/versions.ts";
import { type Evidence, evidenceFile, situationFile } from "../../../../automation/guard/rules/evidence.ts";
import { ask } from "../../../../automation/guard/rules/rule.ts";
import { sourceRules } from "../../../../automation/guard/rules/sources.ts";
import type { ArtifactAnswer } from "../../../../automation/ports/artifacts.ts";
import { healthy } from "../corpus/healthy.ts";

const to = parseVersion("1.31.1") ?? { major: 0, minor: 0, patch: 0, pre: "" };

function gitOf(change: (git: NonNullable<Evidence["git"]>) => unknown = (git) => git): NonNullable<Evidence["git"]> {
  const { git } = evidenceFile.parse({
    git: change(evidenceFile.parse(healthy().evidence).git ?? { releases: [], kustomizations: [] }),
  });
  if (git === undefined) throw new Error("no git");
  return git;
}

const targetRule = sourceRules.find(({ id }) => id === "G05");

/** What rule G05 says when every question gets an answer. */
function judged(answer: (name: string, source: string) => ArtifactAnswer["kind"], git = gitOf()): readonly string[] {
  const looked = artifactsOf(git, to).map((artifact): Looked => {
    const kind = answer(artifact.name, artifact.source);
    return { artifact, answer: kind === "found" ? { kind } : { kind, why: "it was said so" } };
  });
  const situation = situationFile.parse(healthy());
  const { section } = artifactSection(looked);
  if (targetRule === undefined) throw new Error("no rule G05");
  return ask(targetRule, { ...situation, evidence: { ...situation.evidence, git, artifacts: section } }).map(
    ({ level, subject }) => `${level} ${subject}`,
  );
}

describe("artifacts of a hop", () => {
  test("are the chart of every release and the images that these charts ask for, each once", () => {
    expect(
      artifactsOf(gitOf(), to).map(({ kind, name, version, source }) => `${kind} ${name} ${version} ${source}`),
    ).toEqual([
      "chart base 1.31.1 https://blob.istio.io/istio-release/charts",
      "chart istiod 1.31.1 https://blob.istio.io/istio-release/charts",
      "image pilot 1.31.1 docker.io/istio",
      "image proxyv2 1.31.1 docker.io/istio",
      "chart gateway 1.31.1 https://blob.istio.io/istio-release/charts",
    ]);
  });

  test("with node components, and from the hub that each release sets", () => {
    const git = gitOf(({ releases: [first, ...rest], kustomizations }) => ({
      kustomizations,
      releases: [
        { ...first, name: "cni", component: "cni", hub: "registry.example.com/istio" },
        { ...first, name: "ztunnel", component: "ztunnel", hub: undefined },
        ...rest,
      ],
    }));
    const asked = artifactsOf(git, to).map(({ kind, name, source }) => `${kind} ${name} ${source}`);
    expect(asked).toContain("image install-cni registry.example.com/istio");
    expect(asked).toContain("image ztunnel docker.io/istio");
  });

  test("all found: the rule passes", () => {
    expect(judged(() => "found")).toEqual([]);
  });

  test("one missing: the rule blocks, and names it", () => {
    expect(judged((name) => (name === "proxyv2" ? "missing" : "found"))).toEqual(["block image proxyv2 1.31.1"]);
  });

  test("one not known: the rule is undecided, and never blocks", () => {
    expect(judged((name) => (name === "pilot" ? "unknown" : "found"))).toEqual(["undecided image pilot"]);
  });

  test("found at one source and not known at another is not known", () => {
    const git = gitOf(({ releases, kustomizations }) => ({
      kustomizations,
      releases: [...releases, { ...releases[1], name: "istiod-canary", hub: "registry.example.com/istio" }],
    }));
    const mixed = judged(
      (name, source) => (name === "pilot" && source.startsWith("registry") ? "unknown" : "found"),
      git,
    );
    expect(mixed).toEqual(["undecided image pilot"]);
    const missing = judged(
      (name, source) => (name === "pilot" && source.startsWith("registry") ? "missing" : "unknown"),
      git,
    );
    expect(missing).toContain("block image pilot 1.31.1");
  });

  test("what is not known is told with its reason", () => {
    const [artifact] = artifactsOf(gitOf(), to);
    if (artifact === undefined) throw new Error("none");
    const { section, unknown } = artifactSection([{ artifact, answer: { kind: "unknown", why: "no answer" } }]);
    expect(section).toEqual([]);
    expect(unknown).toEqual(["chart base 1.31.1 at https://blob.istio.io/istio-release/charts: no answer"]);
  });

  test("are asked for a few at once, each one time, and told in their order", async () => {
    const asked: string[] = [];
    let [open, most] = [0, 0];
    const artifacts = {
      async look({ name }: { readonly name: string }): Promise<ArtifactAnswer> {
        asked.push(name);
        open += 1;
        most = Math.max(most, open);
        // Later questions are answered first.
        for (let turn = asked.length; turn < 8; turn += 1) await Promise.resolve();
        open -= 1;
        return name === "gateway" ? { kind: "unknown", why: "no answer" } : { kind: "found" };
      },
    };
    const { section, unknown } = await lookForArtifacts(artifacts, gitOf(), to);
    expect(asked.toSorted()).toEqual(["base", "gateway", "istiod", "pilot", "proxyv2"]);
    expect(most).toBe(4);
    expect(section.map(({ name }) => name)).toEqual(["base", "istiod", "pilot", "proxyv2"]);
    expect(unknown).toHaveLength(1);
  });
});
