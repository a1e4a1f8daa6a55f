/** Where charts and images of a repository come from: each source is asked for what runs now. */
import { inventory } from "../guard/edit/inventory.ts";
import { artifactsOf } from "../guard/plan/artifacts.ts";
import type { ClusterRecord } from "../guard/registry/record.ts";
import { evidenceFile } from "../guard/rules/evidence.ts";
import { versionOf } from "../guard/run/cluster.ts";
import { readersOf } from "../guard/run/context.ts";
import type { Artifact, ArtifactAnswer, Artifacts } from "../ports/artifacts.ts";
import type { GitHost } from "../ports/git-host.ts";

/** How one connection of guard is. */
export interface Connection {
  /** `GitLab`, `repository mesh/fleet`, `prod-eu-1 kubernetes`. */
  readonly name: string;
  readonly works: boolean;
  readonly line: string;
}

interface Read {
  readonly host: Pick<GitHost, "files">;
  readonly repository: string;
  readonly commit: string;
  /** Clusters that read it. */
  readonly members: readonly ClusterRecord[];
}

/** What a repository's releases have now. Errors: those of the host. */
export async function artifactsNow(
  { host, repository, commit, members }: Read,
  signal: AbortSignal,
): Promise<readonly Artifact[]> {
  const files = await host.files(repository, commit, signal);
  const found = inventory(files, readersOf(members, repository));
  return members.flatMap(({ entry }, index): readonly Artifact[] => {
    const { git } = evidenceFile.parse({ git: found[index]?.git });
    return git === undefined ? [] : artifactsOf(git, versionOf(entry.currentIstioVersion));
  });
}

/** One line a source, whoever uses it. */
export async function sourceLines(
  artifacts: Artifacts,
  wanted: readonly Artifact[],
  signal: AbortSignal,
): Promise<readonly Connection[]> {
  const once = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()];
  const bySource = Map.groupBy(once, ({ kind, source }) => `${kind}s of ${source}`);
  return Promise.all(
    [...bySource].map(async ([name, ones]): Promise<Connection> => {
      const answers = await Promise.all(ones.map(async (one) => ({ one, answer: await artifacts.look(one, signal) })));
      const bad = answers.filter(({ answer }) => answer.kind !== "found");
      return bad.length === 0
        ? { name, works: true, line: `has ${ones.map(named).join(", ")}` }
        : { name, works: false, line: bad.map(({ one, answer }) => `${named(one)}: ${whyOf(answer)}`).join("; ") };
    }),
  );
}

const named = ({ name, version }: Artifact): string => `${name} ${version}`;

const whyOf = (answer: ArtifactAnswer): string =>
  answer.kind === "found" ? "found" : `${answer.kind === "missing" ? "it is missing" : "not known"}: ${answer.why}`;
