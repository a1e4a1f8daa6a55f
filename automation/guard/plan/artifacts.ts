/** Which charts and images a hop needs (rule G05), and the section of evidence that answers about them make. Pure but for the port. */
import type { Artifact, ArtifactAnswer, Artifacts } from "../../ports/artifacts.ts";
import type { Component, Evidence } from "../rules/evidence.ts";
import { formatVersion, parseVersion, type Version } from "./versions.ts";

type Git = NonNullable<Evidence["git"]>;
type Section = NonNullable<Evidence["artifacts"]>;

/** Where charts take images from when nothing is set. */
const defaultHub = "docker.io/istio";

const images: Readonly<Record<Component, readonly string[]>> = {
  base: [],
  istiod: ["pilot", "proxyv2"],
  cni: ["install-cni"],
  ztunnel: ["ztunnel"],
  gateway: ["proxyv2"],
};

const keyOf = ({ kind, name, version, source }: Artifact): string => [kind, name, version, source].join(" ");

/** Each once, in the order of the releases: the chart of every release, and the images that the charts ask for. */
export function artifactsOf(git: Git, to: Version): readonly Artifact[] {
  const version = formatVersion(to);
  const wanted = git.releases.flatMap(({ component, source, hub = defaultHub }): readonly Artifact[] => [
    { kind: "chart", name: component, version, source },
    // A gateway's proxy comes from the injector, with the control plane's hub, unless it sets its own.
    ...images[component].map((name): Artifact => ({ kind: "image", name, version, source: hub })),
  ]);
  return [...new Map(wanted.map((one) => [keyOf(one), one])).values()];
}

export interface Looked {
  readonly artifact: Artifact;
  readonly answer: ArtifactAnswer;
}

export interface LookedArtifacts {
  readonly section: Section;
  /** Why, one line each. */
  readonly unknown: readonly string[];
}

/**
 * What was found and what is missing. Where anything of a name is not known, nothing of that name counts as found: the rule is then undecided.
 */
export function artifactSection(looked: readonly Looked[]): LookedArtifacts {
  const nameOf = ({ kind, name }: Artifact): string => `${kind} ${name}`;
  const doubtful = new Set(
    looked.flatMap(({ artifact, answer }) => (answer.kind === "unknown" ? [nameOf(artifact)] : [])),
  );
  const section = looked.flatMap(({ artifact, answer }): Section => {
    const { kind, name, source } = artifact;
    const version = parseVersion(artifact.version);
    if (answer.kind === "unknown" || version === undefined) return [];
    if (answer.kind === "found" && doubtful.has(nameOf(artifact))) return [];
    return [{ kind, name, version, source, found: answer.kind === "found" }];
  });
  const unknown = looked.flatMap(({ artifact, answer }) =>
    answer.kind === "unknown" ? [`${nameOf(artifact)} ${artifact.version} at ${artifact.source}: ${answer.why}`] : [],
  );
  return { section, unknown };
}

/** Questions under way at once: registries count them per address. */
const atOnce = 4;

/** Asks the sources of every chart and image of a hop. Rejects only with the signal's reason. */
export async function lookForArtifacts(
  artifacts: Artifacts,
  git: Git,
  to: Version,
  signal?: AbortSignal,
): Promise<LookedArtifacts> {
  const wanted = artifactsOf(git, to);
  const looked: Looked[] = [];
  const open = wanted.values();
  const work = async (): Promise<void> => {
    // The iterator is shared: each question is taken once.
    for (const artifact of open) looked.push({ artifact, answer: await artifacts.look(artifact, signal) });
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, wanted.length) }, work));
  return artifactSection(looked.toSorted((a, b) => wanted.indexOf(a.artifact) - wanted.indexOf(b.artifact)));
}
