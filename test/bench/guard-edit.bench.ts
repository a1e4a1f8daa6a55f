/**
 * Guard's editor. 500 files of about 90 lines, each of a cluster of its own, moved with every check: under 2.5 s. Retired hosts in
 * 5,000 files, one in ten with some: under 5 s. 10,000 generated files in all shapes, each exactly as planned, moved and taken back:
 * under 20 s. Of the process's own time, since other processes share the cores.
 */
import { editVersions } from "../../automation/guard/edit/edit-versions.ts";
import { revertEdits } from "../../automation/guard/edit/revert.ts";
import { findSources } from "../../automation/guard/edit/sources.ts";
import { components } from "../../automation/guard/rules/evidence.ts";
import { generate, seeded } from "../automation/guard/edit/generated-repositories.ts";
import { applied, cluster, filesOf, helmRepository, release } from "../automation/guard/edit/repositories.ts";

const step = { components, from: "1.30.5", to: "1.31.1" } as const;

function measure(what: string, goalMs: number, work: () => string): void {
  const [wall, { user, system }] = [performance.now(), process.cpuUsage()];
  const found = work();
  const used = process.cpuUsage();
  const took = (used.user - user + used.system - system) / 1_000;
  const met = took < goalMs;
  process.stdout.write(
    `${what}: ${Math.round(took).toLocaleString("en")} ms, ${Math.round(performance.now() - wall).toLocaleString("en")} ms on the wall clock (goal ${goalMs.toLocaleString("en")} ms: ${met ? "met" : "missed"}); ${found}\n`,
  );
  if (!met) process.exitCode = 1;
}

const settings = Array.from({ length: 30 }, (_, index) => `      SETTING_${index}: "1.30.5-${index}" # kept\n`).join(
  "",
);
const long = (name: string): string =>
  `${helmRepository()}---\n${release({ version: '"1.30.5" # pinned', spec: `  values:\n    global:\n      tag: 1.30.5\n    pilot:\n      env:\n${settings.replaceAll(/^ {6}/gm, "        ")}` })}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  text: |\n${settings.slice(0, 700).replace(/\n[^\n]*$/, "\n")}`;

const clusters = Array.from({ length: 500 }, (_, index) => cluster(`c${index}`, `clusters/c${index}`));
const files = clusters.map(({ path, cluster: name }) => ({ path: `${path}/istio.yaml`, text: long(name) }));
const lines = files[0]?.text.split("\n").length ?? 0;
measure(`500 files of ${lines} lines edited`, 2_500, () => {
  const edited = editVersions({ files, clusters, targets: clusters.map((one) => one.cluster), ...step });
  const changes = edited.kind === "edits" ? edited.edits.flatMap((edit) => edit.changes).length : 0;
  if (changes !== 1_000) throw new Error(`${changes} changes: ${JSON.stringify(edited).slice(0, 500)}`);
  return `${changes} places`;
});

const many = Array.from({ length: 5_000 }, (_, index) => ({
  path: `apps/${index}.yaml`,
  text:
    index % 10 === 0
      ? long(`n${index}`).replace("blob.istio.io/istio-release", "istio-release.storage.googleapis.com")
      : long(`n${index}`),
}));
measure("5,000 files searched for retired hosts", 5_000, () => {
  const uses = findSources(many);
  if (uses.length !== 500) throw new Error(`${uses.length} places`);
  return `${uses.length} places`;
});

measure("10,000 generated files moved and taken back", 20_000, () => {
  const random = seeded(6);
  const one = [cluster("one", "cluster")];
  let [made, edited] = [0, 0];
  while (made < 10_000) {
    const { shape, before, after } = generate(random);
    const result = editVersions({ files: filesOf(before), clusters: one, targets: ["one"], ...step });
    const now = applied(before, result);
    const back = result.kind === "edits" ? applied(now, revertEdits(result.edits, filesOf(now))) : {};
    for (const [path, text] of Object.entries(before))
      if (now[path] !== after[path] || back[path] !== text) throw new Error(`${shape}: ${path} is not as planned`);
    made += Object.keys(before).length;
    edited += result.kind === "edits" ? result.edits.length : 0;
  }
  return `${edited.toLocaleString("en")} of ${made.toLocaleString("en")} changed, all byte for byte as planned`;
});
