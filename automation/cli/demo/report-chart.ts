/** Line charts as SVG text, drawn here, so that the report needs no script and no network. Pure. */

export interface Series {
  readonly name: string;
  /** CSS class that gives the colour: side-a, side-b, or muted. */
  readonly style: string;
  readonly dashed?: boolean;
  /** x is ms since the epoch; a y of undefined is a gap. */
  readonly points: readonly { readonly x: number; readonly y: number | undefined }[];
}

export interface Mark {
  readonly at: number;
  readonly label: string;
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly marks: readonly Mark[];
}

const width = 960;
const height = 150;
const left = 56;
const right = 8;
const top = 8;
const bottom = 20;

/** 1, 2 or 5 times a power of ten, at least the value. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value * 0.999_999) ?? 10;
  return factor * power;
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

export function drawChart(chart: Chart, axis: Axis): string {
  const values = chart.series.flatMap((series) => series.points.flatMap((point) => point.y ?? []));
  const highest = niceCeiling(Math.max(0, ...values));
  const x = (at: number): string =>
    (left + ((at - axis.from) / Math.max(1, axis.to - axis.from)) * (width - left - right)).toFixed(1);
  const y = (value: number): string => (height - bottom - (value / highest) * (height - top - bottom)).toFixed(1);
  const grid = [0, 0.5, 1].map((share) => {
    const at = y(highest * share);
    return `<line class="grid" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/><text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end">${shorten(highest * share)}</text>`;
  });
  const marks = axis.marks.map(
    (mark) =>
      `<line class="mark" x1="${x(mark.at)}" x2="${x(mark.at)}" y1="${top}" y2="${height - bottom}"><title>${escapeHtml(mark.label)}</title></line>`,
  );
  const seconds = (axis.to - axis.from) / 1_000;
  const stride = niceCeiling(seconds / 8);
  const ticks: string[] = [];
  for (let second = 0; second <= seconds; second += stride) {
    ticks.push(`<text x="${x(axis.from + second * 1_000)}" y="${height - 4}" text-anchor="middle">${second} s</text>`);
  }
  const lines = chart.series.map(
    (series) => `<path class="line ${series.style}${series.dashed ? " dashed" : ""}" d="${path(series, x, y)}"/>`,
  );
  const legend = chart.series
    .map(
      (series) =>
        `<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true"><path class="line ${series.style}${series.dashed ? " dashed" : ""}" d="M0 4H24"/></svg>${escapeHtml(series.name)}</li>`,
    )
    .join("");
  return `<figure tabindex="0"><figcaption><b>${escapeHtml(chart.title)}</b> <span class="unit">${escapeHtml(chart.unit)}</span><ul>${legend}</ul></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${chart.title} over time, highest ${shorten(Math.max(0, ...values))} ${chart.unit}`)}">${grid.join("")}${marks.join("")}${ticks.join("")}${lines.join("")}</svg></figure>`;
}

function path(series: Series, x: (at: number) => string, y: (value: number) => string): string {
  let text = "";
  let pen = false;
  for (const point of series.points) {
    if (point.y === undefined) {
      pen = false;
      continue;
    }
    text += `${pen ? "L" : "M"}${x(point.x)} ${y(point.y)}`;
    pen = true;
  }
  return text;
}

function shorten(value: number): string {
  if (value >= 10_000) return `${Number((value / 1_000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
