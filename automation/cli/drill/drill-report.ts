/** The drill's report: one HTML page without scripts or links to elsewhere. */
import { join, relative } from "node:path";
import type { Composition } from "../compose.ts";
import { escapeHtml } from "../demo/report-chart.ts";
import { reportStyle } from "../demo/report-style.ts";
import { machineFacts } from "../demo/write-report.ts";
import { dateAndTime, duration, plural } from "../text.ts";
import type { DrillResult } from "./drill-result.ts";
import {
  alertLines,
  crashCells,
  crashHead,
  falseAlarmCells,
  falseAlarmHead,
  faultCells,
  faultHead,
  killLines,
  roundTripCells,
  roundTripHead,
  roundTripLines,
} from "./drill-tables.ts";

/** Writes the report; returns its path from the root. Errors: the disk's. */
export async function writeDrillReport(
  { root, files }: Pick<Composition, "root" | "files">,
  startedAt: number,
  result: Omit<DrillResult, "report">,
): Promise<string> {
  const name = new Date(startedAt).toISOString().slice(0, 19).replaceAll(":", "-");
  const path = join(root, ".switchyard", "reports", `drill-${name}.html`);
  await files.writeAtomic(path, drillPage(result, machineFacts()));
  return relative(root, path);
}

/** Pure. */
export function drillPage(
  result: Omit<DrillResult, "report">,
  facts: { readonly node: string; readonly machine: string },
): string {
  const good = result.problems.length === 0;
  const verdict = good
    ? "The swap engine did what it has to in every campaign"
    : `The drill found ${plural(result.problems.length, "problem")}`;
  const title = `Switchyard drill, ${dateAndTime(Date.parse(result.startedAt))}: ${verdict}`;
  const { faults, crashes, falseAlarms, kills, roundTrips, alerts } = result;
  const sections = [
    good ? "" : section("Problems", list(result.problems)),
    faults && section("Faults, a swap each, on a virtual clock", tableOf(faultHead, faults.rows.map(faultCells))),
    faults &&
      section(
        "What each fault is, and what it has to come to",
        tableOf(
          ["fault", "what it is", "expected", "came to", "stopped for", "people were told of"],
          faults.rows.map((row) => [
            row.name,
            row.title,
            row.expected,
            row.reason ?? "–",
            row.stops.join(", ") || "–",
            row.alerts.join(", ") || "–",
          ]),
        ),
      ),
    crashes && section("Crashes in process, on a virtual clock", tableOf(crashHead, crashes.rows.map(crashCells))),
    falseAlarms && section("Swaps of two equal sides", tableOf(falseAlarmHead, falseAlarms.rows.map(falseAlarmCells))),
    alerts && section("Who was told", list(alertLines(alerts))),
    kills &&
      section(
        "Real swaps whose process is killed",
        list(killLines(kills)) +
          tableOf(
            ["killed at", "the next one went on after"],
            kills.kills.map(({ at, resumedInMs }) => [at, resumedInMs === undefined ? "–" : duration(resumedInMs)]),
          ),
      ),
    roundTrips &&
      section(
        "Round trips under load",
        list(roundTripLines(roundTrips)) + tableOf(roundTripHead, roundTrips.swaps.map(roundTripCells)),
      ),
    section("Facts", list([`Seed ${result.seed}`, `Node ${facts.node}`, facts.machine])),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${reportStyle}</style></head><body><main>
<p class="kicker">Switchyard drill, ${dateAndTime(Date.parse(result.startedAt))}</p>
<h1 class="${good ? "good" : "bad"}">${escapeHtml(verdict)}.</h1>
${sections.filter((part) => part !== undefined && part !== "").join("\n")}
</main></body></html>
`;
}

function section(title: string, body: string): string {
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

function list(lines: readonly string[]): string {
  return `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join("")}</ul>`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: "th" | "td"): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  return `<div class="scroll" tabindex="0"><table><thead>${row(head, "th")}</thead><tbody>${rows.map((cells) => row(cells, "td")).join("\n")}</tbody></table></div>`;
}
