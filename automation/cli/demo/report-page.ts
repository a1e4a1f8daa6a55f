/** The report: one HTML page without scripts or links to elsewhere. Pure. */
import { describeEffect } from "../../swap/effects.ts";
import { reasons } from "../../swap/reasons.ts";
import type { SwapEvent } from "../../swap/state.ts";
import { count, dateAndTime, duration, timeOfDay } from "../text.ts";
import { type Axis, type Chart, drawChart, escapeHtml, type Mark, type Series } from "./report-chart.ts";
import type { ReportData, ReportSwap } from "./report-data.ts";
import { reportStyle } from "./report-style.ts";

export function reportPage(data: ReportData): string {
  const { numbers } = data;
  const axis: Axis = { from: data.load.startedAt, to: data.load.endedAt, marks: data.swaps.flatMap(marksOf) };
  const title = `Switchyard demo, ${dateAndTime(data.startedAt)}: ${data.verdict}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${reportStyle}</style></head><body><main>
<p class="kicker">Switchyard demo, ${dateAndTime(data.startedAt)}</p>
<h1 class="${data.good ? "good" : "bad"}">${escapeHtml(data.verdict)}.</h1>
<dl class="numbers">
${number(count(numbers.sent), "requests sent")}
${number(count(numbers.swapCaused), "failed because of a swap")}
${number(count(numbers.candidateCaused), "failed on the bad image")}
${number(numbers.detectMs === undefined ? "–" : duration(numbers.detectMs), "bad image detected in")}
${number(numbers.rollbackMs === undefined ? "–" : duration(numbers.rollbackMs), "rolled back and verified in")}
${number(duration(numbers.longestStallMs), "longest stall of any request")}
</dl>
<section aria-label="Curves"><h2>Over time</h2>
<p class="note">One time axis for all; the thin upright lines are the journal's steps.</p>
${charts(data)
  .map((chart) => drawChart(chart, axis))
  .join("\n")}
</section>
${data.swaps.map(swapSection).join("\n")}
${latencySection(data)}
${attributionSection(data)}
${factsSection(data)}
</main></body></html>
`;
}

function number(value: string, name: string): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`;
}

const styles = ["side-a", "side-b", "side-c"];

function charts(data: ReportData): readonly Chart[] {
  const { seconds } = data.load;
  const sides = [
    ...new Set([
      ...seconds.flatMap((second) => Object.keys(second.sides)),
      ...data.samples.flatMap((one) => Object.keys(one.usage)),
    ]),
  ]
    .filter((side) => side !== "")
    .toSorted();
  const style = (side: string): string => styles[sides.indexOf(side) % styles.length] ?? "side-a";
  const perSecond = (
    name: string,
    side: string,
    value: (second: (typeof seconds)[number]) => number | undefined,
    dashed = false,
  ): Series => ({
    name,
    style: style(side),
    dashed,
    points: seconds.map((second) => ({ x: second.at, y: value(second) })),
  });
  const perSample = (
    name: string,
    side: string,
    value: (sample: (typeof data.samples)[number]) => number | undefined,
    dashed = false,
  ): Series => ({
    name,
    style: style(side),
    dashed,
    points: data.samples.map((sample) => ({ x: sample.at, y: value(sample) })),
  });
  const quantiles = ["p50", "p95", "p99"] as const;
  return [
    {
      title: "Weight",
      unit: "% (dashed: asked of the API, line: applied by the data plane)",
      series: sides.flatMap((side) => [
        perSample(`${side} asked`, side, (sample) => sample.asked[side], true),
        perSample(`${side} applied`, side, (sample) => sample.applied[side] ?? 0),
      ]),
    },
    {
      title: "Requests",
      unit: "ended a second",
      series: sides.map((side) => perSecond(side, side, (second) => second.sides[side]?.ended ?? 0)),
    },
    {
      title: "Errors",
      unit: "a second",
      series: [
        ...sides.map((side) => perSecond(side, side, (second) => second.sides[side]?.failed ?? 0)),
        { ...perSecond("caused by the swap", "", (second) => second.failures.swap), style: "alarm", dashed: true },
      ],
    },
    ...quantiles.map((quantile) => ({
      title: `Latency ${quantile}`,
      unit: "ms, short requests",
      series: sides.map((side) => perSecond(side, side, (second) => second.sides[side]?.latencyMs?.[quantile])),
    })),
    {
      title: "CPU",
      unit: "% of one core, all instances of a side",
      series: sides.map((side) => perSample(side, side, (sample) => sample.usage[side]?.cpuPercent)),
    },
    {
      title: "Memory",
      unit: "MB, all instances of a side",
      series: sides.map((side) =>
        perSample(side, side, (sample) => {
          const used = sample.usage[side]?.memoryBytes;
          return used === undefined ? undefined : used / 1_048_576;
        }),
      ),
    },
  ];
}

function marksOf(swap: ReportSwap): readonly Mark[] {
  return swap.state.marks.map((mark) => ({
    at: mark.at,
    label: `${swap.title}: ${mark.phase}${mark.phase === "shifting" ? ` ${swap.state.settings.ramp[mark.step] ?? 0} %` : ""}`,
  }));
}

function swapSection(swap: ReportSwap): string {
  const end = swap.state.end;
  return `<section><h2>${escapeHtml(swap.title)}</h2>
<p>Ended <b>${end?.as ?? "unfinished"}</b>: ${end === undefined ? "no end in the journal" : escapeHtml(reasons[end.reason])}. Gate profile ${swap.state.settings.profile}.</p>
<div class="scroll" tabindex="0"><table><thead><tr><th>time</th><th>what</th><th>why, or how it went</th><th>evidence</th></tr></thead><tbody>
${swap.events
  .filter(({ kind }) => kind !== "observed" && kind !== "alive")
  .map(eventRow)
  .join("\n")}
</tbody></table></div></section>`;
}

function eventRow(event: SwapEvent): string {
  const cells = (what: string, why: string, evidence: Readonly<Record<string, unknown>> = {}): string => {
    const numbers = Object.entries(evidence).map(([name, value]) => `${name} ${String(value)}`);
    return `<tr><td>${timeOfDay(event.at)}</td><td>${escapeHtml(what)}</td><td>${escapeHtml(why)}</td><td>${escapeHtml(numbers.join(", "))}</td></tr>`;
  };
  switch (event.kind) {
    case "started":
      return cells("started", `by ${event.by}, image ${event.image}`);
    case "engine":
      return cells("engine", `process ${event.pid} drives the swap`);
    case "entered":
      return cells(`enters ${event.phase.replaceAll("-", " ")}`, reasons[event.reason], event.evidence);
    case "intent":
      return cells("intent", describeEffect(event.effect));
    case "outcome":
      return cells(
        "outcome",
        `${event.ok ? "done" : `failed: ${event.failure?.message ?? ""}`}${event.found ? ", found done" : ""} after ${duration(event.durationMs)}`,
        event.facts,
      );
    case "alive":
      return cells("alive", "the swap is still driven");
    case "observed":
      return cells("observed", `the feed was read up to ${event.cursor}`);
    case "measured":
      return cells("measured", `metrics from outside: ${event.verdict}`, event.evidence);
    case "complied":
      return cells("checked", `what runs, by the stateless rules: ${event.verdict}`, event.evidence);
    case "noticed":
      return cells("noticed", reasons[event.reason], event.evidence);
    case "recheck":
      return cells("recheck", "the weight has to be seen again");
    case "verified":
      return cells("verified", `the data plane shows ${event.weight} %`, event.evidence);
    case "requested":
      return cells(event.verb, `asked for by ${event.by}`);
    case "paused":
      return cells("paused", reasons[event.reason], event.evidence);
    case "ended":
      return cells(`ended ${event.as}`, reasons[event.reason], event.evidence);
  }
}

function latencySection(data: ReportData): string {
  const row = (
    phase: string,
    side: string,
    ended: number,
    failed: number,
    latency: { p50: number; p95: number; p99: number; max: number } | undefined,
  ): string => {
    const cells =
      latency === undefined
        ? ["–", "–", "–", "–"]
        : [latency.p50, latency.p95, latency.p99, latency.max].map((ms) => ms.toFixed(1));
    return `<tr><td>${escapeHtml(phase)}</td><td>${escapeHtml(side || "no side")}</td><td>${count(ended)}</td><td>${count(failed)}</td>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  };
  const rows = [...data.load.phases, { name: "all", sides: data.load.sides }].flatMap((phase) =>
    Object.entries(phase.sides).map(([side, one]) => row(phase.name, side, one.ended, one.failed, one.latencyMs)),
  );
  return `<section><h2>Before, during and after</h2>
<p class="note">Latency of short requests, ms, from the moment at which they were meant to start.</p>
<div class="scroll" tabindex="0"><table class="figures"><thead><tr><th>phase</th><th>side</th><th>requests</th><th>failed</th><th>p50</th><th>p95</th><th>p99</th><th>max</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></section>`;
}

function attributionSection(data: ReportData): string {
  const rows = data.load.failureList
    .slice(0, 200)
    .map(
      (failure) =>
        `<tr><td>${timeOfDay(failure.endedAt)}</td><td>${failure.kind}</td><td>${failure.status || "none"}</td><td>${escapeHtml(failure.side || "none")}</td><td>${escapeHtml(failure.marker || "none")}</td><td>${escapeHtml(failure.problem)}</td><td>${failure.attribution}</td></tr>`,
    );
  return `<section><h2>Who caused each failure</h2>
<p>A failure is the candidate's only where the balancer's side header and the agent's own marker both name it. Resets, truncated streams, time-outs and 502, 503 and 504 without the marker are the swap's, unless that instance crashed by itself.</p>
<div class="scroll" tabindex="0"><table><thead><tr><th>time</th><th>request</th><th>status</th><th>side</th><th>marker</th><th>problem</th><th>caused by</th></tr></thead><tbody>${rows.join("") || '<tr><td colspan="7">No request failed.</td></tr>'}</tbody></table></div></section>`;
}

function factsSection(data: ReportData): string {
  const { facts, load } = data;
  const rows = {
    "Pulumi engine": facts.engine,
    Node: facts.node,
    Machine: facts.machine,
    "Gate profile": facts.profile,
    "Errors were read from": facts.feed,
    Load: `${facts.rate} requests/s open loop, 90 % short, 8 % of 3-5 s, 2 % server-sent event streams; half on fresh connections`,
    "Load generator": `${load.generator.cpuPercent.toFixed(0)} % of a core, sent at most ${load.lagMs.max.toFixed(0)} ms late`,
  };
  return `<section><h2>Circumstances</h2><dl class="facts">${Object.entries(rows)
    .map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)
    .join("")}</dl></section>`;
}
