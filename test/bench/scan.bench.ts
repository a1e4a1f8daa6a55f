/**
 * A thousand resources of the labelled manifests, in one process: parsed from their text and judged, and judged alone. Goal: under
 * 1 s for both together, of the process's own time, since other processes share the cores.
 */
import { readManifests } from "../../automation/stateless/manifests.ts";
import { scan } from "../../automation/stateless/scan.ts";
import { readCorpus } from "../automation/stateless/corpus.ts";

const goalMs = 1_000;
const wanted = 1_000;
const rounds = 7;

const corpus = (await readCorpus()).filter(({ manifests }) => manifests.problems.length === 0);
const files: { file: string; text: string; named: boolean }[] = [];
for (let count = 0, index = 0; count < wanted; index += 1) {
  const entry = corpus[index % corpus.length];
  if (entry === undefined) throw new Error("The corpus is empty.");
  files.push({ file: `${index}/${entry.file}`, text: entry.text, named: true });
  count += entry.manifests.resources.length;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const parsing: number[] = [];
const judging: number[] = [];
const walls: number[] = [];
let resources = 0;
let first = 0;
for (let round = 0; round <= rounds; round += 1) {
  const [wall, begun] = [performance.now(), cpuMs()];
  const read = readManifests(files);
  const parsed = cpuMs();
  const { verdict, scanned, findings } = scan(read.resources);
  const judged = cpuMs();
  if (verdict !== "stateful" || scanned < wanted || findings.length < wanted / 4) throw new Error("It was not judged.");
  resources = scanned;
  // The first round is what a command does that has just started.
  if (round === 0) first = judged - begun;
  else {
    parsing.push(parsed - begun);
    judging.push(judged - parsed);
    walls.push(performance.now() - wall);
  }
}
const both = median(parsing) + median(judging);
const met = both < goalMs && first < 2 * goalMs;
process.stdout.write(
  `${resources} resources in ${files.length} files: ${Math.round(both)} ms, of it ${Math.round(median(judging))} ms for the rules (goal ${goalMs.toLocaleString("en")} ms: ${met ? "met" : "missed"}); in a new process ${Math.round(first)} ms; on the wall clock ${Math.round(median(walls))} ms\n`,
);
if (!met) process.exitCode = 1;
